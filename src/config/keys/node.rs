//! Who a node is, what it does, and how the quorum of controllers works.

use super::super::key::{Key, Validator, boolean, class, int, list, long, string};

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    class("alter.config.policy.class.name")
        .refused("this version runs no Java class: the policy would refuse nothing")
        .doc("Class that may refuse changes of settings. Java only."),
    boolean("auto.create.topics.enable").default("true")
        .acts("it::authorization::describe_and_create_make_a_topic_on_first_use")
        .doc("Make a topic when a client asks for the metadata of one that does not exist and allows its creation."),
    int("background.threads").default("10").at_least(1).cluster_wide()
        .doc("Threads for background work such as deleting files."),
    int("broker.heartbeat.interval.ms").default("2000")
        .doc("Time between two heartbeats of a broker to the controller."),
    int("broker.id").default("1")
        .acts("config::server::tests::checks_across_keys")
        .doc("Old name of node.id."),
    string("broker.rack")
        .acts("it::settings::topics_and_nodes_are_as_the_brokers_keys_say")
        .doc("Place of the broker (rack, zone); replicas of a partition are spread over places."),
    int("broker.session.timeout.ms").default("9000")
        .doc("Time without heartbeat after which the controller holds a broker for dead and fences it."),
    list("config.providers").default("").cluster_wide()
        .refused("this version runs no Java class: `${provider:path:key}` would be taken as the value itself")
        .doc("Names of providers that fill `${provider:path:key}` in values. Java only."),
    boolean("controlled.shutdown.enable").default("true")
        .doc("Move leaderships away before the broker stops."),
    list("controller.listener.names").not_empty()
        .acts("it::controller_listener::it_has_the_keys_of_a_controller_and_no_others")
        .doc("Listeners that controllers use among themselves and that brokers reach them on."),
    long("controller.performance.always.log.threshold.ms").default("2000").at_least(0).internal()
        .doc("Events of the controller that take longer than this are always logged."),
    long("controller.performance.sample.period.ms").default("60000").at_least(100).internal()
        .doc("Period over which the controller's slowest events are picked for the log."),
    int("controller.quorum.append.linger.ms").default("25").at_least(0)
        .doc("Time the leader of the quorum gathers records before it writes them to disk."),
    boolean("controller.quorum.auto.join.enable").default("false")
        .doc("A controller that is not a voter asks to become one."),
    list("controller.quorum.bootstrap.servers").default("").allowed(Validator::Servers)
        .acts("config::server::tests::a_quorum_of_other_nodes_is_refused")
        .doc("Addresses through which the quorum of controllers is first found."),
    int("controller.quorum.election.backoff.max.ms").default("1000").at_least(0)
        .doc("Longest random pause after an election without winner."),
    int("controller.quorum.election.timeout.ms").default("1000").at_least(0)
        .doc("Longest time an election takes before a new one starts."),
    int("controller.quorum.fetch.max.bytes").default("1048576").at_least(1)
        .doc("Bytes of metadata records asked for with one fetch."),
    int("controller.quorum.fetch.snapshot.max.bytes").default("1048576").at_least(1)
        .doc("Bytes of a metadata snapshot asked for with one fetch."),
    int("controller.quorum.fetch.timeout.ms").default("2000").at_least(0)
        .doc("Time without a successful fetch from the leader after which a voter stands for election; a leader without fetches from a majority for this long resigns."),
    int("controller.quorum.request.timeout.ms").default("2000").at_least(0)
        .doc("Time a member of the quorum waits for an answer."),
    int("controller.quorum.retry.backoff.ms").default("20").at_least(0)
        .doc("Pause before a member of the quorum sends a failed request again."),
    list("controller.quorum.voters").default("").allowed(Validator::Voters)
        .acts("config::server::tests::a_quorum_of_other_nodes_is_refused")
        .doc("Controllers of a fixed quorum, each as id@host:port."),
    int("controller.socket.timeout.ms").default("30000")
        .doc("Time a broker waits for the controller's answer."),
    class("create.topic.policy.class.name")
        .refused("this version runs no Java class: the policy would refuse nothing")
        .doc("Class that may refuse new topics. Java only."),
    boolean("delete.topic.enable").default("true")
        .acts("it::settings::topics_and_nodes_are_as_the_brokers_keys_say")
        .doc("Allow topics to be deleted."),
    int("initial.broker.registration.timeout.ms").default("60000")
        .doc("Time a broker tries to register with the controller before it gives up and exits."),
    int("node.id").default("1").at_least(0)
        .acts("compat process directory_of_another_node_is_told")
        .doc("Id of the node, unique in its cluster."),
    int("num.partitions").default("1").at_least(1)
        .acts("it::settings::topics_and_nodes_are_as_the_brokers_keys_say")
        .doc("Partitions of a topic that is created without saying how many, and of topics made on first use."),
    list("process.roles").default("broker,controller").allowed(Validator::Entries { allowed: &["broker", "controller"], may_be_empty: false })
        .acts("config::server::tests::with_roles_the_internal_topics_have_kafkas_defaults")
        .doc("What the node is: broker, controller or both. Left out: both, as a complete cluster of one."),
    long("server.max.startup.time.ms").default("9223372036854775807").at_least(0).internal()
        .doc("Longest time that a start may take."),
    boolean("unstable.api.versions.enable").default("false").internal()
        .doc("Offer versions of requests that are still being designed."),
    boolean("unstable.feature.versions.enable").default("false").internal()
        .doc("Allow feature levels that are still being designed."),
];
