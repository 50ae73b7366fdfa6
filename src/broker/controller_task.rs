//! The controller's task: one request after the other is decided on the image as it will be, proposed, and answered once committed.
//!
//! Decisions are folded into the controller's own image at once, so the next decision sees the last one; the reply waits until the records
//! are committed and published here. There is nothing to undo: when a proposal fails, the controller has lost count of the log, and the
//! node ends.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::Publisher;
use crate::controller::{Context, Decide, Refusal, TopicDefaults, decide};
use crate::metadata::MetadataImage;
use crate::metadata::records::MetadataRecord;
use crate::quorum::MetadataQuorum;
use crate::seams::{BoxFuture, Clock, Disk, Execution, Lane};
use crate::types::Offset;

/// Why the controller gives no reply.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ControllerError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Not leading, or going down.
    #[error("the controller is not active")]
    NotActive,
    /// Too many requests wait for it. Nothing was done.
    #[error("too many requests wait for the controller")]
    Busy,
    /// The disk of the metadata log is nearly full. Nothing was done.
    #[error("the disk of the metadata log is nearly full")]
    NoSpace,
}

/// Space on the metadata log's disk below which nothing more is decided: a batch of it that finds none ends the node. Twice the largest.
const RESERVED_BYTES: u64 = 16 << 20;

/// The permit is for the proposal that the call may make.
type Call = Box<dyn FnOnce(&mut Controller, OwnedSemaphorePermit) + Send>;

/// How everybody else reaches the controller.
#[derive(Clone, Debug)]
pub struct ControllerHandle {
    calls: mpsc::Sender<Call>,
}

impl ControllerHandle {
    /// Hands a request over before it returns, so requests are decided in the order of the calls. One that finds the queue full is refused:
    /// if it waited for room, a later one could be decided before it.
    pub fn ask<D>(&self, request: D) -> BoxFuture<'static, Result<D::Reply, ControllerError>>
    where
        D: Decide + Send + 'static,
        D::Reply: Send,
    {
        let (reply, answer) = oneshot::channel();
        let queued = self.calls.try_send(Box::new(move |controller, permit| controller.serve(&request, permit, reply)));
        Box::pin(async move {
            match queued {
                Ok(()) => answer.await.unwrap_or(Err(ControllerError::NotActive)),
                Err(mpsc::error::TrySendError::Full(_)) => Err(ControllerError::Busy),
                Err(mpsc::error::TrySendError::Closed(_)) => Err(ControllerError::NotActive),
            }
        })
    }
}

/// What the controller works with.
#[derive(Debug)]
pub(super) struct ControllerOptions {
    pub quorum: Arc<dyn MetadataQuorum>,
    pub publisher: Arc<Publisher>,
    pub clock: Arc<dyn Clock>,
    pub execution: Arc<dyn Execution>,
    pub defaults: TopicDefaults,
    /// Requests that may wait, above which they are refused: `klamm.controller.max.queued.requests`.
    pub queue: usize,
    pub disk: Arc<dyn Disk>,
    /// Where the metadata log lies.
    pub metadata_directory: PathBuf,
    /// Proposals that may be on their way; must be fewer than the quorum takes (`QuorumSettings::max_queued_proposals`), because there is
    /// no taking back a decision that it finds no room for.
    pub proposals: usize,
    /// Told once if a proposal fails: the node has to end.
    pub fatal: watch::Sender<Option<String>>,
}

#[derive(Debug)]
struct Controller {
    options: ControllerOptions,
    /// The committed image and every decision since.
    image: MetadataImage,
    next_offset: Offset,
}

/// Starts the controller's task; it begins to serve once the quorum made this node its leader.
#[must_use]
pub(super) fn start(options: ControllerOptions) -> ControllerHandle {
    let (calls, queue) = mpsc::channel(options.queue);
    let execution = Arc::clone(&options.execution);
    execution.spawn(Lane::Control, Box::pin(run(options, queue)));
    ControllerHandle { calls }
}

async fn run(options: ControllerOptions, mut queue: mpsc::Receiver<Call>) {
    let mut leader = options.quorum.leader();
    let Ok(next_offset) = leader.wait_for(|leader| leader.is_active).await.map(|leader| leader.next_offset) else { return };
    let image = options.publisher.committed_image();
    let mut controller = Controller { options, image, next_offset };
    let proposals = Arc::new(Semaphore::new(controller.options.proposals));
    while let Some(call) = queue.recv().await {
        let permit = Arc::clone(&proposals).acquire_owned().await.expect("the semaphore is never closed");
        call(&mut controller, permit);
    }
}

impl Controller {
    fn serve<D: Decide>(
        &mut self,
        request: &D,
        permit: OwnedSemaphorePermit,
        reply: oneshot::Sender<Result<D::Reply, ControllerError>>,
    ) where
        D::Reply: Send + 'static,
    {
        let decision = match self.decide(request) {
            Ok(decision) => decision,
            Err(refusal) => return drop(reply.send(Err(refusal.into()))),
        };
        if !decision.records.is_empty() && !self.has_space() {
            return drop(reply.send(Err(ControllerError::NoSpace)));
        }
        let committed = (!decision.records.is_empty()).then(|| self.append(&decision.records));
        let (publisher, fatal, end) = (Arc::clone(&self.options.publisher), self.options.fatal.clone(), self.next_offset);
        let answer = async move {
            if let Some(committed) = committed
                && let Err(error) = committed.await
            {
                fatal.send_replace(Some(format!("a decision of the controller was not committed: {error}")));
                return drop(reply.send(Err(ControllerError::NotActive)));
            }
            drop(permit);
            publisher.wait_for(end).await;
            drop(reply.send(Ok(decision.reply)));
        };
        self.options.execution.spawn(Lane::Control, Box::pin(answer));
    }

    /// A disk that does not tell is left to the append.
    fn has_space(&self) -> bool {
        let ControllerOptions { disk, metadata_directory, .. } = &self.options;
        disk.available_bytes(metadata_directory).map_or(true, |bytes| bytes >= RESERVED_BYTES)
    }

    fn decide<D: Decide>(&self, request: &D) -> Result<crate::controller::Decision<D::Reply>, Refusal> {
        let clock = &self.options.clock;
        let mut context =
            Context { next_offset: self.next_offset, random: &mut || clock.random(), defaults: self.options.defaults };
        decide(&mut context, &self.image, request)
    }

    /// Folds a decision's records into the image and proposes them as one batch.
    fn append(
        &mut self,
        records: &[MetadataRecord],
    ) -> BoxFuture<'static, Result<crate::quorum::Proposed, crate::quorum::ProposeError>> {
        let base_offset = self.next_offset;
        self.image
            .apply_batch(records, base_offset)
            .expect("the controller's records fold into the image that they were decided on");
        self.next_offset = base_offset.plus(i64::try_from(records.len()).expect("a batch holds far fewer records than 2^63"));
        self.options.quorum.propose(base_offset, records.iter().map(MetadataRecord::encode).collect())
    }
}

#[cfg(test)]
#[path = "controller_task_tests.rs"]
mod tests;
