#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::controller::RegisterBroker;
use crate::controller::test_support::{Controller, registration};
use crate::metadata::ConfigResource;
use crate::metadata::features::METADATA_VERSION_LEVEL;
use crate::types::NodeId;

const UPGRADE: i8 = 1;
const SAFE: i8 = 2;
const UNSAFE: i8 = 3;

fn update(feature: &str, level: i16, kind: i8) -> FeatureUpdate {
    FeatureUpdate { feature: feature.to_owned(), level, kind: UpdateKind::from_code(kind) }
}

fn ask(controller: &mut Controller, updates: &[FeatureUpdate]) -> Result<(), Reason> {
    let request = UpdateFeatures { updates: updates.to_vec(), validate_only: false, min_insync_replicas: 2 };
    controller.decide(&request).map_err(|refusal| refusal.reason)
}

/// As Apache Kafka 4.3.0 answered each of these.
#[test]
fn what_is_refused_is_refused_with_one_code_and_changes_nothing() {
    let mut controller = Controller::with_brokers(1, 1);
    let before = controller.image.hash();
    let level = METADATA_VERSION_LEVEL;
    for refused in [
        update(METADATA_VERSION, level, 0),
        update(METADATA_VERSION, level, 4),
        update(METADATA_VERSION, level, i8::MIN),
        update(METADATA_VERSION, level + 1, UPGRADE),
        update(METADATA_VERSION, i16::MAX, UPGRADE),
        update(METADATA_VERSION, level - 1, UPGRADE),
        update(METADATA_VERSION, level - 1, SAFE),
        update(METADATA_VERSION, level - 1, UNSAFE),
        update(METADATA_VERSION, 0, UNSAFE),
        update(METADATA_VERSION, -1, SAFE),
        update(METADATA_VERSION, i16::MIN, SAFE),
        update(KRAFT_VERSION, 0, SAFE),
        update(KRAFT_VERSION, 0, UPGRADE),
        update(KRAFT_VERSION, 2, UPGRADE),
        update("nothing.version", 1, UPGRADE),
        update("nothing.version", 0, SAFE),
        update("", 0, UPGRADE),
    ] {
        assert_eq!(ask(&mut controller, std::slice::from_ref(&refused)), Err(Reason::InvalidUpdateVersion), "{refused:?}");
        // It spoils what stands beside it.
        let good = update(METADATA_VERSION, level, UPGRADE);
        if refused.feature != METADATA_VERSION {
            assert_eq!(ask(&mut controller, &[good, refused]), Err(Reason::InvalidUpdateVersion));
        }
    }
    assert_eq!(controller.image.hash(), before);
}

#[test]
fn the_level_that_holds_may_be_asked_for_by_every_kind() {
    let mut controller = Controller::with_brokers(1, 1);
    let before = controller.image.hash();
    for kind in [UPGRADE, SAFE, UNSAFE] {
        assert_eq!(ask(&mut controller, &[update(METADATA_VERSION, METADATA_VERSION_LEVEL, kind)]), Ok(()));
        assert_eq!(ask(&mut controller, &[update(KRAFT_VERSION, 1, kind)]), Ok(()));
    }
    assert_eq!(ask(&mut controller, &[]), Ok(()));
    assert_eq!(controller.image.hash(), before);
}

#[test]
fn of_contradicting_updates_the_last_holds() {
    let mut controller = Controller::with_brokers(1, 1);
    let (good, bad) = (update(METADATA_VERSION, METADATA_VERSION_LEVEL, UPGRADE), update(METADATA_VERSION, 7, UPGRADE));
    assert_eq!(ask(&mut controller, &[bad.clone(), good.clone()]), Ok(()));
    assert_eq!(ask(&mut controller, &[good, bad]), Err(Reason::InvalidUpdateVersion));
}

/// With features of several levels, which this build has none of yet.
#[test]
fn up_and_down_within_what_is_supported() {
    let feature = |name, max| Feature { name, min_supported_version: 0, max_supported_version: max };
    let supported = [feature("x.version", 2), feature(METADATA_VERSION, 40)];
    let may = |name: &str, level, kind, current| judge(&supported, &update(name, level, kind), current).is_ok();
    assert!(may("x.version", 2, UPGRADE, 0) && may("x.version", 1, SAFE, 2) && may("x.version", 0, UNSAFE, 2));
    assert!(!may("x.version", 1, UPGRADE, 2) && !may("x.version", 2, SAFE, 1) && !may("x.version", 2, UNSAFE, 1));
    assert!(!may("x.version", 3, UPGRADE, 2) && !may("y.version", 1, UPGRADE, 0));
    assert!(may(METADATA_VERSION, 31, UPGRADE, 30) && !may(METADATA_VERSION, 29, SAFE, 30));
    assert!(!may(METADATA_VERSION, 29, UNSAFE, 30));
}

#[test]
fn a_level_that_a_broker_does_not_support_is_refused() {
    let mut controller = Controller::with_brokers(1, 1);
    let next = update(METADATA_VERSION, METADATA_VERSION_LEVEL + 1, UPGRADE);
    assert!(check_brokers(&controller.image, &next).unwrap_err().contains("broker 1"));
    let mut newer: RegisterBroker = registration(1, 2);
    newer.features[0].max_supported_version += 1;
    controller.decide(&newer).unwrap();
    check_brokers(&controller.image, &next).unwrap();
    let unknown = update("x.version", 1, UPGRADE);
    check_brokers(&controller.image, &unknown).unwrap_err();
    // What is off needs no support.
    check_brokers(&controller.image, &update("x.version", 0, SAFE)).unwrap();
}

#[test]
fn a_hundred_thousand_updates_are_one_when_they_are_of_one_feature() {
    let mut controller = Controller::with_brokers(1, 1);
    let updates = vec![update(METADATA_VERSION, METADATA_VERSION_LEVEL, UPGRADE); 100_000];
    assert_eq!(ask(&mut controller, &updates), Ok(()));
}

/// Of what older brokers were told each for itself nothing is left.
#[test]
fn eligible_leader_replicas_take_min_insync_replicas_along() {
    let mut controller = Controller::with_brokers(1, 2);
    let cluster = || ConfigResource::cluster_default();
    let minimum = |controller: &Controller, resource: &ConfigResource| {
        controller.image.configs().of(resource.resource_type, &resource.name).get(MIN_INSYNC_REPLICAS).cloned()
    };
    assert_eq!(minimum(&controller, &cluster()).as_deref(), Some("1"), "a new cluster has what the file says");
    ask(&mut controller, &[update(ELIGIBLE_LEADER_REPLICAS_VERSION, 0, SAFE)]).unwrap();
    let own = [min_insync_replicas("", None), min_insync_replicas("2", Some(3))];
    controller.image.apply_batch(&own, controller.image.end()).unwrap();
    ask(&mut controller, &[update(ELIGIBLE_LEADER_REPLICAS_VERSION, 1, UPGRADE)]).unwrap();
    assert_eq!(minimum(&controller, &cluster()).as_deref(), Some("2"));
    assert_eq!(minimum(&controller, &ConfigResource::broker(NodeId(2))), None);
    assert_eq!(ask(&mut controller, &[update(ELIGIBLE_LEADER_REPLICAS_VERSION, 2, UPGRADE)]), Err(Reason::InvalidUpdateVersion));
}
