//! Changes of settings as Apache Kafka 4.3.0 judges them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::config::{RawConfig, ServerConfig};
use crate::controller::test_support::{Controller, new_topic};
use crate::metadata::records::FeatureLevel;

fn topic(name: &str) -> ConfigResource {
    ConfigResource { resource_type: ConfigResourceType::Topic, name: name.to_owned() }
}

fn broker(name: &str) -> ConfigResource {
    ConfigResource { resource_type: ConfigResourceType::Broker, name: name.to_owned() }
}

fn set(name: &str, value: &str) -> (String, ConfigOperation) {
    (name.to_owned(), ConfigOperation::Set(value.to_owned()))
}

fn delete(name: &str) -> (String, ConfigOperation) {
    (name.to_owned(), ConfigOperation::Delete)
}

fn some(operations: &[(String, ConfigOperation)]) -> ConfigChanges {
    ConfigChanges::Some(operations.to_vec())
}

fn all(pairs: &[(&str, &str)]) -> ConfigChanges {
    ConfigChanges::All(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn request(resources: &[(ConfigResource, ConfigChanges)]) -> AlterConfigs {
    let broker = ServerConfig::load(RawConfig::default()).unwrap().config.settings;
    AlterConfigs { resources: resources.to_vec(), validate_only: false, broker }
}

/// Changes one resource; the reason if it is refused.
fn alter(controller: &mut Controller, resource: ConfigResource, changes: ConfigChanges) -> Result<(), Reason> {
    controller.decide(&request(&[(resource, changes)])).unwrap()[0].clone().map_err(|refusal| refusal.reason)
}

fn cluster() -> Controller {
    let mut controller = Controller::with_brokers(1, 1);
    controller.create(new_topic("t", 1, 1)).unwrap();
    controller
}

fn configs(controller: &Controller, resource: &ConfigResource) -> Vec<(String, String)> {
    controller.image.configs().of(resource.resource_type, &resource.name).clone().into_iter().collect()
}

#[test]
fn some_settings_of_a_topic_change_or_all_of_them() {
    let mut controller = cluster();
    alter(&mut controller, topic("t"), some(&[set("retention.ms", "5"), set("flush.ms", "7")])).unwrap();
    alter(&mut controller, topic("t"), some(&[delete("flush.ms"), delete("nobody.knows.it")])).unwrap();
    assert_eq!(configs(&controller, &topic("t")), [("retention.ms".to_owned(), "5".to_owned())]);
    alter(&mut controller, topic("t"), all(&[("max.message.bytes", "9")])).unwrap();
    assert_eq!(configs(&controller, &topic("t")), [("max.message.bytes".to_owned(), "9".to_owned())]);
    let end = controller.image.end();
    alter(&mut controller, topic("t"), some(&[set("max.message.bytes", "9")])).unwrap();
    assert_eq!(controller.image.end(), end, "nothing differs, so there is no record");
    alter(&mut controller, topic("t"), all(&[])).unwrap();
    assert_eq!(configs(&controller, &topic("t")), []);
}

#[test]
fn a_list_begins_with_its_default() {
    let mut controller = cluster();
    let append = |value: &str| some(&[("cleanup.policy".to_owned(), ConfigOperation::Append(value.to_owned()))]);
    alter(&mut controller, topic("t"), append("compact")).unwrap();
    assert_eq!(configs(&controller, &topic("t")), [("cleanup.policy".to_owned(), "delete,compact".to_owned())]);
    assert_eq!(alter(&mut controller, topic("t"), append("x")), Err(Reason::InvalidConfig));
    assert_eq!(alter(&mut controller, topic("t"), append("")), Err(Reason::InvalidConfig));
    for name in ["retention.ms", "nobody.knows.it"] {
        let changes = some(&[(name.to_owned(), ConfigOperation::Subtract("1".to_owned()))]);
        assert_eq!(alter(&mut controller, topic("t"), changes), Err(Reason::InvalidConfig), "{name}");
    }
}

/// The name of a topic is judged first, then its settings, then whether it exists.
#[test]
fn what_is_refused_and_in_which_order() {
    let mut controller = cluster();
    let good = || some(&[set("retention.ms", "1")]);
    let bad = || some(&[set("retention.ms", "x")]);
    for (resource, changes, reason) in [
        (topic(""), bad(), Reason::InvalidRequest),
        (topic("bad name"), bad(), Reason::InvalidTopic),
        (topic("nobody"), bad(), Reason::InvalidConfig),
        (topic("nobody"), good(), Reason::UnknownTopicOrPartition),
        (topic("nobody"), some(&[]), Reason::UnknownTopicOrPartition),
        (topic("t"), some(&[set("nobody.knows.it", "1")]), Reason::InvalidConfig),
        (broker("x"), good(), Reason::InvalidRequest),
        (broker("-1"), good(), Reason::InvalidRequest),
        (broker("9"), good(), Reason::BrokerIdNotRegistered),
    ] {
        assert_eq!(alter(&mut controller, resource.clone(), changes), Err(reason), "{resource:?}");
    }
    let of = |resource_type, name: &str| ConfigResource { resource_type, name: name.to_owned() };
    let timeout = || some(&[set("consumer.session.timeout.ms", "46000")]);
    assert_eq!(alter(&mut controller, of(ConfigResourceType::Group, ""), timeout()), Err(Reason::InvalidRequest));
    assert_eq!(alter(&mut controller, of(ConfigResourceType::Group, "g"), timeout()), Ok(()));
    assert_eq!(alter(&mut controller, of(ConfigResourceType::ClientMetrics, "m"), timeout()), Err(Reason::InvalidRequest));
    let interval = some(&[set("interval.ms", "1000")]);
    assert_eq!(alter(&mut controller, of(ConfigResourceType::ClientMetrics, "m"), interval), Ok(()));
}

#[test]
fn resources_of_a_request_do_not_matter_to_each_other() {
    let mut controller = cluster();
    let good = some(&[set("retention.ms", "1")]);
    let mut request = request(&[(topic("t"), good.clone()), (topic("nobody"), good)]);
    request.validate_only = true;
    let judged = controller.decide(&request).unwrap();
    assert_eq!(judged.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
    assert_eq!(configs(&controller, &topic("t")), [], "judged only");
    request.validate_only = false;
    controller.decide(&request).unwrap();
    assert_eq!(configs(&controller, &topic("t")).len(), 1);
}

/// So that a broker looks again at a file that has changed.
#[test]
fn of_a_broker_the_same_value_is_a_record_too() {
    let mut controller = cluster();
    for _ in 0..2 {
        let end = controller.image.end();
        alter(&mut controller, broker("1"), some(&[set("message.max.bytes", "1000")])).unwrap();
        assert_eq!(controller.image.end(), end.next());
    }
}

/// Trap 54: as in a new cluster, and before in one that has not finalised them, such as an older one.
#[test]
fn trap_54_with_eligible_leader_replicas_min_insync_replicas_is_the_clusters_alone() {
    let mut controller = cluster();
    let level = |feature_level| FeatureLevel { name: "eligible.leader.replicas.version".to_owned(), feature_level }.into();
    controller.image.apply_batch(&[level(0)], controller.image.end()).unwrap();
    let minimum = || some(&[set("min.insync.replicas", "2")]);
    for resource in [broker("1"), broker("")] {
        assert_eq!(alter(&mut controller, resource.clone(), minimum()), Ok(()));
        assert_eq!(alter(&mut controller, resource, some(&[delete("min.insync.replicas")])), Ok(()));
    }
    controller.image.apply_batch(&[level(1)], controller.image.end()).unwrap();
    assert_eq!(alter(&mut controller, broker("1"), minimum()), Err(Reason::InvalidConfig));
    assert_eq!(alter(&mut controller, broker("1"), some(&[delete("min.insync.replicas")])), Err(Reason::InvalidConfig));
    assert_eq!(alter(&mut controller, broker(""), minimum()), Ok(()));
    assert_eq!(alter(&mut controller, broker(""), some(&[delete("min.insync.replicas")])), Err(Reason::InvalidConfig));
    assert_eq!(alter(&mut controller, broker(""), all(&[])), Err(Reason::InvalidConfig));
    assert_eq!(alter(&mut controller, topic("t"), minimum()), Ok(()));
}

#[test]
fn one_decision_has_so_many_records_and_so_many_bytes() {
    let mut controller = cluster();
    let many: Vec<_> = (0..10_001).map(|number| set(&format!("plugin.{number}"), "1")).collect();
    let refused = controller.decide(&request(&[(broker("1"), some(&many))])).unwrap_err();
    assert_eq!(refused.reason, Reason::PolicyViolation);
    let long = some(&[set("plugin", &"x".repeat(8 << 20))]);
    let refused = controller.decide(&request(&[(broker("1"), long)])).unwrap_err();
    assert_eq!(refused.reason, Reason::PolicyViolation, "the metadata log would not take it, and the node would end");
    assert_eq!(configs(&controller, &broker("1")), []);
}
