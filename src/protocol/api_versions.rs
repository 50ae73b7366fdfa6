//! The ApiVersions answer and its quirks: clients read it before anything is agreed on.

use kafka_protocol::messages::ApiVersionsResponse;
use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::protocol::StrBytes;

use super::{ApiKey, ErrorCode, VersionRange};
use crate::config::ListenerPurpose;

/// Feature levels that this build can run with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SupportedFeature {
    pub name: &'static str,
    pub levels: VersionRange,
}

/// The cluster's feature levels, as of an offset of the metadata log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FinalizedFeatures {
    /// Offset of the metadata that the levels were read from; -1 when unknown.
    pub epoch: i64,
    /// Name and level; level 0 means that the feature is off.
    pub levels: Vec<(String, i16)>,
}

/// The answer to an ApiVersions request of a served version.
///
/// Features stand in it from version 3 on. Below version 4, supported features that start at level 0 are left out: older Java
/// clients cannot read them (KAFKA-17492). A finalized feature at level 0 is left out always, as in Kafka.
#[must_use]
pub fn api_versions_response(
    version: i16,
    listener: ListenerPurpose,
    supported: &[SupportedFeature],
    finalized: &FinalizedFeatures,
) -> ApiVersionsResponse {
    let keys = ApiKey::ALL.iter().filter_map(|key| key.advertised(listener).map(|versions| api_version(*key, versions)));
    let response = ApiVersionsResponse::default().with_api_keys(keys.collect());
    if version < 3 {
        return response;
    }
    let supported = supported.iter().filter(|feature| version >= 4 || feature.levels.min > 0).map(|feature| {
        SupportedFeatureKey::default()
            .with_name(StrBytes::from_static_str(feature.name))
            .with_min_version(feature.levels.min)
            .with_max_version(feature.levels.max)
    });
    let levels = finalized.levels.iter().filter(|(_, level)| *level != 0).map(|(name, level)| {
        FinalizedFeatureKey::default()
            .with_name(StrBytes::from_string(name.clone()))
            .with_min_version_level(*level)
            .with_max_version_level(*level)
    });
    response
        .with_supported_features(supported.collect())
        .with_finalized_features_epoch(finalized.epoch)
        .with_finalized_features(levels.collect())
}

/// The answer to an ApiVersions request of a version that is not served; its body is not read. It must be written in version 0,
/// and names only ApiVersions, so that the client can ask again in a version that both know (KIP-511).
#[must_use]
pub fn unsupported_api_versions_response() -> ApiVersionsResponse {
    let own = ApiKey::ApiVersions.served().map(|versions| api_version(ApiKey::ApiVersions, versions));
    ApiVersionsResponse::default()
        .with_error_code(ErrorCode::UnsupportedVersion.number())
        .with_api_keys(own.into_iter().collect())
}

/// The answer to a request that Kafka refuses with INVALID_REQUEST: only the code.
#[must_use]
pub fn refused_api_versions_response(error: ErrorCode) -> ApiVersionsResponse {
    ApiVersionsResponse::default().with_error_code(error.number())
}

fn api_version(key: ApiKey, versions: VersionRange) -> ApiVersion {
    ApiVersion::default().with_api_key(key.number()).with_min_version(versions.min).with_max_version(versions.max)
}

/// Whether a client's software name or version (from version 3 on) is one that Kafka accepts: letters, digits, dashes and dots,
/// with a letter or digit at both ends. Others get INVALID_REQUEST.
#[must_use]
pub fn is_software_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends_well = [bytes.first(), bytes.last()].into_iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric));
    ends_well && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "tests")]

    use super::*;
    use crate::protocol::encode_response;

    const SUPPORTED: [SupportedFeature; 2] = [
        SupportedFeature { name: "metadata.version", levels: VersionRange { min: 7, max: 29 } },
        SupportedFeature { name: "group.version", levels: VersionRange { min: 0, max: 1 } },
    ];

    fn answer(version: i16) -> ApiVersionsResponse {
        let levels = vec![("metadata.version".to_owned(), 29), ("group.version".to_owned(), 0)];
        api_versions_response(version, ListenerPurpose::Broker, &SUPPORTED, &FinalizedFeatures { epoch: 12, levels })
    }

    #[test]
    fn only_what_is_served_is_listed_and_produce_from_zero() {
        let keys = answer(4).api_keys;
        let served = ApiKey::ALL.iter().filter(|key| key.served().is_some()).count();
        assert_eq!(keys.len(), served);
        assert_eq!((keys[0].api_key, keys[0].min_version, keys[0].max_version), (0, 0, 13));
    }

    #[test]
    fn features_that_start_at_zero_are_hidden_from_version_3() {
        let names = |version| answer(version).supported_features.iter().map(|f| f.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(4), ["metadata.version", "group.version"]);
        assert_eq!(names(3), ["metadata.version"]);
        assert!(names(2).is_empty());
        assert_eq!((answer(3).finalized_features_epoch, answer(3).finalized_features.len()), (12, 1));
    }

    #[test]
    fn every_version_can_be_written() {
        for version in 0..=4 {
            assert!(encode_response(ApiKey::ApiVersions, version, 1, &answer(version)).is_ok(), "{version}");
        }
    }

    #[test]
    fn an_unknown_version_is_answered_in_version_0_with_the_versions_of_this_api() {
        let answer = encode_response(ApiKey::ApiVersions, 0, 5, &unsupported_api_versions_response()).unwrap();
        assert_eq!(answer[..], [0, 0, 0, 16, 0, 0, 0, 5, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4]);
    }

    #[test]
    fn software_names_follow_kafkas_pattern() {
        assert!(["a", "apache-kafka-java", "4.3.0", "A.1-b"].into_iter().all(is_software_name));
        assert!(["", "-a", "a.", "a b", "a_b", "\u{e9}"].into_iter().all(|name| !is_software_name(name)));
    }
}
