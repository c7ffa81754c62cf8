//! The numbers of Kafka's APIs.

use std::fmt;

macro_rules! api_keys {
    ($($name:ident = $key:literal;)*) => {
        /// An API of Kafka 4.2, by Kafka's name. The numbers 4 to 7 went out of use with Kafka 4.0.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ApiKey {
            $(
                #[doc = concat!(stringify!($name), ", key ", $key, ".")]
                $name = $key,
            )*
        }

        impl ApiKey {
            /// Every API, in ascending order of its number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The API of a number, if Kafka 4.2 knows it.
            #[must_use]
            pub const fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($key => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Kafka's name of the API.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

api_keys! {
    Produce = 0;
    Fetch = 1;
    ListOffsets = 2;
    Metadata = 3;
    LeaderAndIsr = 4;
    StopReplica = 5;
    UpdateMetadata = 6;
    ControlledShutdown = 7;
    OffsetCommit = 8;
    OffsetFetch = 9;
    FindCoordinator = 10;
    JoinGroup = 11;
    Heartbeat = 12;
    LeaveGroup = 13;
    SyncGroup = 14;
    DescribeGroups = 15;
    ListGroups = 16;
    SaslHandshake = 17;
    ApiVersions = 18;
    CreateTopics = 19;
    DeleteTopics = 20;
    DeleteRecords = 21;
    InitProducerId = 22;
    OffsetForLeaderEpoch = 23;
    AddPartitionsToTxn = 24;
    AddOffsetsToTxn = 25;
    EndTxn = 26;
    WriteTxnMarkers = 27;
    TxnOffsetCommit = 28;
    DescribeAcls = 29;
    CreateAcls = 30;
    DeleteAcls = 31;
    DescribeConfigs = 32;
    AlterConfigs = 33;
    AlterReplicaLogDirs = 34;
    DescribeLogDirs = 35;
    SaslAuthenticate = 36;
    CreatePartitions = 37;
    CreateDelegationToken = 38;
    RenewDelegationToken = 39;
    ExpireDelegationToken = 40;
    DescribeDelegationToken = 41;
    DeleteGroups = 42;
    ElectLeaders = 43;
    IncrementalAlterConfigs = 44;
    AlterPartitionReassignments = 45;
    ListPartitionReassignments = 46;
    OffsetDelete = 47;
    DescribeClientQuotas = 48;
    AlterClientQuotas = 49;
    DescribeUserScramCredentials = 50;
    AlterUserScramCredentials = 51;
    Vote = 52;
    BeginQuorumEpoch = 53;
    EndQuorumEpoch = 54;
    DescribeQuorum = 55;
    AlterPartition = 56;
    UpdateFeatures = 57;
    Envelope = 58;
    FetchSnapshot = 59;
    DescribeCluster = 60;
    DescribeProducers = 61;
    BrokerRegistration = 62;
    BrokerHeartbeat = 63;
    UnregisterBroker = 64;
    DescribeTransactions = 65;
    ListTransactions = 66;
    AllocateProducerIds = 67;
    ConsumerGroupHeartbeat = 68;
    ConsumerGroupDescribe = 69;
    ControllerRegistration = 70;
    GetTelemetrySubscriptions = 71;
    PushTelemetry = 72;
    AssignReplicasToDirs = 73;
    ListConfigResources = 74;
    DescribeTopicPartitions = 75;
    ShareGroupHeartbeat = 76;
    ShareGroupDescribe = 77;
    ShareFetch = 78;
    ShareAcknowledge = 79;
    AddRaftVoter = 80;
    RemoveRaftVoter = 81;
    UpdateRaftVoter = 82;
    InitializeShareGroupState = 83;
    ReadShareGroupState = 84;
    WriteShareGroupState = 85;
    DeleteShareGroupState = 86;
    ReadShareGroupStateSummary = 87;
    StreamsGroupHeartbeat = 88;
    StreamsGroupDescribe = 89;
    DescribeShareGroupOffsets = 90;
    AlterShareGroupOffsets = 91;
    DeleteShareGroupOffsets = 92;
}

impl ApiKey {
    /// The number on the wire.
    #[inline]
    #[must_use]
    pub const fn code(self) -> i16 {
        self as i16
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::ApiKey;

    #[test]
    fn numbers_are_dense_and_name_their_api() {
        for (code, &key) in (0_i16..).zip(ApiKey::ALL) {
            assert_eq!(key.code(), code);
            assert_eq!(ApiKey::from_code(code), Some(key));
        }
        assert_eq!(ApiKey::from_code(18).map(ApiKey::name), Some("ApiVersions"));
        assert_eq!(ApiKey::from_code(93), None);
        assert_eq!(ApiKey::from_code(-1), None);
    }
}
