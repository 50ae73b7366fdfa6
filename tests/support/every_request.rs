//! Every request that kafka-protocol knows. That none is missing, `decode_memory` shows by counting versions.

/// Calls a macro with the requests' types, behind what else it is to be given.
macro_rules! every_request {
    ($macro:ident!($($argument:tt)*)) => {
        $macro! {
            $($argument)*
            ProduceRequest FetchRequest ListOffsetsRequest MetadataRequest OffsetCommitRequest OffsetFetchRequest
            FindCoordinatorRequest JoinGroupRequest HeartbeatRequest LeaveGroupRequest SyncGroupRequest DescribeGroupsRequest
            ListGroupsRequest SaslHandshakeRequest ApiVersionsRequest CreateTopicsRequest DeleteTopicsRequest
            DeleteRecordsRequest InitProducerIdRequest OffsetForLeaderEpochRequest AddPartitionsToTxnRequest
            AddOffsetsToTxnRequest EndTxnRequest WriteTxnMarkersRequest TxnOffsetCommitRequest DescribeAclsRequest
            CreateAclsRequest DeleteAclsRequest DescribeConfigsRequest AlterConfigsRequest AlterReplicaLogDirsRequest
            DescribeLogDirsRequest SaslAuthenticateRequest CreatePartitionsRequest CreateDelegationTokenRequest
            RenewDelegationTokenRequest ExpireDelegationTokenRequest DescribeDelegationTokenRequest DeleteGroupsRequest
            ElectLeadersRequest IncrementalAlterConfigsRequest AlterPartitionReassignmentsRequest
            ListPartitionReassignmentsRequest OffsetDeleteRequest DescribeClientQuotasRequest AlterClientQuotasRequest
            DescribeUserScramCredentialsRequest AlterUserScramCredentialsRequest VoteRequest BeginQuorumEpochRequest
            EndQuorumEpochRequest DescribeQuorumRequest AlterPartitionRequest UpdateFeaturesRequest EnvelopeRequest
            FetchSnapshotRequest DescribeClusterRequest DescribeProducersRequest BrokerRegistrationRequest BrokerHeartbeatRequest
            UnregisterBrokerRequest DescribeTransactionsRequest ListTransactionsRequest AllocateProducerIdsRequest
            ConsumerGroupHeartbeatRequest ConsumerGroupDescribeRequest ControllerRegistrationRequest
            GetTelemetrySubscriptionsRequest PushTelemetryRequest AssignReplicasToDirsRequest ListConfigResourcesRequest
            DescribeTopicPartitionsRequest ShareGroupHeartbeatRequest ShareGroupDescribeRequest ShareFetchRequest
            ShareAcknowledgeRequest AddRaftVoterRequest RemoveRaftVoterRequest UpdateRaftVoterRequest
            InitializeShareGroupStateRequest ReadShareGroupStateRequest WriteShareGroupStateRequest DeleteShareGroupStateRequest
            ReadShareGroupStateSummaryRequest DescribeShareGroupOffsetsRequest AlterShareGroupOffsetsRequest
            DeleteShareGroupOffsetsRequest
        }
    };
}
