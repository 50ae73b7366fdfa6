//! The engine's way to other voters: there is none yet, a lone voter never calls one.

use std::future::Future;

use openraft::anyerror::AnyError;
use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse, VoteRequest,
    VoteResponse,
};
use openraft::{OptionalSend, RaftNetworkFactory, RaftNetworkV2};

use super::engine::{Engine, Vote, VoterNode};
use super::snapshot::SnapshotFile;

/// Makes clients that answer every call with "no such peer".
#[derive(Debug)]
pub(super) struct NoPeers;

/// A client for a voter that this build cannot reach.
#[derive(Debug)]
pub(super) struct NoSuchPeer {
    target: u64,
}

impl NoSuchPeer {
    fn unreachable(&self) -> Unreachable<Engine> {
        let reason = format!("voter {} cannot be reached: this build runs quorums of one voter", self.target);
        Unreachable::new(&AnyError::error(reason))
    }
}

impl RaftNetworkFactory<Engine> for NoPeers {
    type Network = NoSuchPeer;

    async fn new_client(&mut self, target: u64, _node: &VoterNode) -> NoSuchPeer {
        NoSuchPeer { target }
    }
}

impl RaftNetworkV2<Engine> for NoSuchPeer {
    type SnapshotData = SnapshotFile;

    async fn append_entries(
        &mut self,
        _request: AppendEntriesRequest<Engine>,
        _option: RPCOption,
    ) -> Result<AppendEntriesResponse<Engine>, RPCError<Engine>> {
        Err(RPCError::Unreachable(self.unreachable()))
    }

    async fn vote(
        &mut self,
        _request: VoteRequest<Engine>,
        _option: RPCOption,
    ) -> Result<VoteResponse<Engine>, RPCError<Engine>> {
        Err(RPCError::Unreachable(self.unreachable()))
    }

    async fn pre_vote(
        &mut self,
        _request: VoteRequest<Engine>,
        _option: RPCOption,
    ) -> Result<VoteResponse<Engine>, RPCError<Engine>> {
        Err(RPCError::Unreachable(self.unreachable()))
    }

    async fn full_snapshot(
        &mut self,
        _vote: Vote,
        _snapshot: openraft::alias::SnapshotOf<Engine, SnapshotFile>,
        _cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<Engine>, StreamingError<Engine>> {
        Err(StreamingError::Unreachable(self.unreachable()))
    }

    async fn transfer_leader(
        &mut self,
        _request: TransferLeaderRequest<Engine>,
        _option: RPCOption,
    ) -> Result<TransferLeaderResponse<Engine>, RPCError<Engine>> {
        Err(RPCError::Unreachable(self.unreachable()))
    }
}
