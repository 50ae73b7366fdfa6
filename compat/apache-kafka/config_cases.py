"""kafka-configs and kafka-client-metrics: settings that change while the broker runs."""

import re
from functools import partial

from cases import create, run, tool

from harness.case import case, eventually, unique
from harness.wire import Connection, batch, record

changing = partial(case, needs="IncrementalAlterConfigs", seconds=60)


def configs(broker, entity, name, *arguments, **keywords) -> str:
    """`name` None is the default of all."""
    chosen = ["--entity-default"] if name is None else ["--entity-name", name]
    return run("kafka.admin.ConfigCommand", "--bootstrap-server", broker.bootstrap, "--entity-type", entity, *chosen, *arguments, **keywords)


def described(broker, entity, name, *arguments) -> dict[str, tuple[str, str]]:
    """Per key its value, and the list of its synonyms as the tool prints them."""
    said = configs(broker, entity, name, "--describe", *arguments)
    return {key: (value, synonyms) for key, value, synonyms in re.findall(r"^  (\S+?)=(\S*) sensitive=\w+ synonyms=\{(.*)\}$", said, re.M)}


def node(broker) -> int:
    with Connection(broker.bootstrap) as connection:
        return connection.metadata([])["brokers"][0][0]


@changing
def configs_of_a_topic_act_and_are_taken_back(broker):
    topic = create(broker, "java-configured")
    large = batch([record(b"x" * 3000)])

    def outcome() -> str:
        with Connection(broker.bootstrap) as connection:
            return connection.produce(topic, large)["error"]

    assert described(broker, "topics", topic) == {} and outcome() == "NONE"
    said = configs(broker, "topics", topic, "--alter", "--add-config", "max.message.bytes=2000,cleanup.policy=[compact,delete]")
    assert said == f"Completed updating config for topic {topic}.\n"
    assert described(broker, "topics", topic) == {
        "max.message.bytes": ("2000", "DYNAMIC_TOPIC_CONFIG:max.message.bytes=2000, DEFAULT_CONFIG:message.max.bytes=1048588"),
        "cleanup.policy": ("compact,delete", "DYNAMIC_TOPIC_CONFIG:cleanup.policy=compact,delete, DEFAULT_CONFIG:log.cleanup.policy=delete")}
    eventually(lambda: outcome() == "MESSAGE_TOO_LARGE")
    configs(broker, "topics", topic, "--alter", "--delete-config", "max.message.bytes")
    assert list(described(broker, "topics", topic)) == ["cleanup.policy"]
    eventually(lambda: outcome() == "NONE")
    everything = described(broker, "topics", topic, "--all")
    assert len(everything) >= 30 and everything["max.message.bytes"] == ("1048588", "DEFAULT_CONFIG:message.max.bytes=1048588")


@changing
def configs_refuses_what_no_topic_can_be(broker):
    topic = create(broker, "java-misconfigured")

    def refused(changes) -> str:
        return configs(broker, "topics", topic, "--alter", "--add-config", changes, succeeds=False)

    assert "Unknown topic config name: no.such.key" in refused("no.such.key=1")
    assert "InvalidConfigurationException" in refused("max.message.bytes=-2")
    assert "InvalidConfigurationException" in refused("retention.ms=5,cleanup.policy=sometimes")
    assert described(broker, "topics", topic) == {}, "all or nothing"
    missing = configs(broker, "topics", unique("none"), "--alter", "--add-config", "retention.ms=5", succeeds=False)
    assert "UnknownTopicOrPartitionException" in missing or "does not exist" in missing, missing


@changing
def configs_of_brokers_one_and_all(fresh):
    broker = fresh().start()
    number = node(broker)
    topic = create(broker, "java-broker-configured")
    configs(broker, "brokers", None, "--alter", "--add-config", "message.max.bytes=3000,log.retention.ms=7000000")
    assert described(broker, "brokers", None)["message.max.bytes"][0] == "3000"
    configs(broker, "brokers", number, "--alter", "--add-config", "message.max.bytes=2000")
    eventually(lambda: described(broker, "brokers", number)["message.max.bytes"] == (
        "2000", "DYNAMIC_BROKER_CONFIG:message.max.bytes=2000, DYNAMIC_DEFAULT_BROKER_CONFIG:message.max.bytes=3000, "
                "DEFAULT_CONFIG:message.max.bytes=1048588"))

    def largest() -> int:
        with Connection(broker.bootstrap) as connection:
            return max(size for size in (1000, 2500, 4000)
                       if connection.produce(topic, batch([record(b"x" * size)]))["error"] == "NONE")

    eventually(lambda: largest() == 1000)
    configs(broker, "brokers", number, "--alter", "--delete-config", "message.max.bytes")
    eventually(lambda: largest() == 2500)
    assert list(described(broker, "brokers", number)) == [], "what stands for all does not stand for one"
    read_only = configs(broker, "brokers", number, "--alter", "--add-config", "log.dirs=/elsewhere", succeeds=False)
    assert "InvalidRequestException" in read_only and "Cannot update these configs dynamically: [log.dirs]" in read_only, read_only
    broker.stop()
    broker.start()
    eventually(lambda: largest() == 2500)


@changing
def configs_of_broker_loggers(broker):
    number = node(broker)

    def levels() -> dict[str, str]:
        return {key: value for key, (value, _) in described(broker, "broker-loggers", number).items()}

    assert levels(), "no logger"
    logger = "kafka.request.logger" if "kafka.request.logger" in levels() else sorted(levels())[0]
    configs(broker, "broker-loggers", number, "--alter", "--add-config", f"{logger}=ERROR")
    assert levels()[logger] == "ERROR"
    configs(broker, "broker-loggers", number, "--alter", "--delete-config", logger)
    assert levels().get(logger) != "ERROR"
    refused = configs(broker, "broker-loggers", number, "--alter", "--add-config", f"{logger}=LOUD", succeeds=False)
    assert "InvalidConfigurationException" in refused or "InvalidRequestException" in refused, refused


@changing
def configs_of_groups(broker):
    group = unique("java-configured")
    configs(broker, "groups", group, "--alter", "--add-config", "consumer.session.timeout.ms=46000")
    assert described(broker, "groups", group)["consumer.session.timeout.ms"] == (
        "46000", "DYNAMIC_GROUP_CONFIG:consumer.session.timeout.ms=46000, DEFAULT_CONFIG:group.consumer.session.timeout.ms=45000")
    refused = configs(broker, "groups", group, "--alter", "--add-config", "consumer.session.timeout.ms=1", succeeds=False)
    assert "InvalidConfigurationException" in refused, refused
    configs(broker, "groups", group, "--alter", "--delete-config", "consumer.session.timeout.ms")
    assert described(broker, "groups", group).get("consumer.session.timeout.ms", ("45000",))[0] == "45000"


@changing(needs="ListConfigResources")
def client_metrics_subscriptions_are_kept(broker):
    name = unique("java-subscription")

    def client_metrics(*arguments, **keywords) -> str:
        return tool(broker, "ClientMetricsCommand", *arguments, **keywords)

    said = client_metrics("--alter", "--name", name, "--interval", 60_000, "--metrics", "org.apache.kafka.", "--match", "client_id=a.*")
    assert f"Altered client metrics config for {name}." in said, said
    assert name in client_metrics("--list").split()
    shown = client_metrics("--describe", "--name", name)
    assert "interval.ms=60000" in shown and "metrics=org.apache.kafka." in shown and "match=client_id=a.*" in shown, shown
    assert "InvalidRequestException" in client_metrics("--alter", "--name", name, "--interval", 1, succeeds=False)
    client_metrics("--delete", "--name", name)
    assert name not in client_metrics("--list").split()
