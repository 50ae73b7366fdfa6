"""The Java consumer in groups, by the classic protocol. One that is killed leaves without a word."""

from cases import client

from harness.case import eventually, unique
from harness.member_cases import RANGES, create, declare, group_case
from harness.members import settle
from harness.wire import Connection

ASSIGNORS = "org.apache.kafka.clients.consumer."
declare(client, RANGES, assignor=f"{ASSIGNORS}RangeAssignor")


@group_case
def cooperative_sticky_moves_only_what_has_to_move(broker):
    topic, group = create(broker, "java-cooperative", 6), unique("java-cooperative")
    settings = {"assignor": f"{ASSIGNORS}CooperativeStickyAssignor"}
    members = [client.quick(broker, group, topic, **settings) for _ in range(2)]
    eventually(lambda: [len(each.share()) for each in members] == [3, 3])
    before = [set(each.share()) for each in members]
    members.append(client.quick(broker, group, topic, **settings))
    eventually(lambda: [len(each.share()) for each in members] == [2, 2, 2])
    for each, had in zip(members, before):
        [given_up] = had - set(each.share())
        assert set(each.share()) < had and given_up in members[2].share()
        assert [told["partitions"] for told in each.rebalances if told["what"] == "revoked" and told["partitions"]][-1] == {topic: [given_up]}


@group_case
def static_member_comes_back_without_a_rebalance(broker):
    topic, group = create(broker, "java-static", 4), unique("java-static")
    members = [client.quick(broker, group, topic, instance=f"static-{name}") for name in "ab"]
    settle(members, [0, 1], [2, 3])
    rebalances, had = len(members[0].rebalances), members[1].share()
    members[1].kill()
    back = client.quick(broker, group, topic, instance="static-b")
    eventually(lambda: back.share() == had)
    assert len(members[0].rebalances) == rebalances, members[0].rebalances[rebalances:]


@group_case
def pattern_follows_new_topics(broker):
    stem, group = unique("java-pattern"), unique("java-pattern")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(f"{stem}-one", 2)
        member = client.quick(broker, group, f"{stem}-.*", pattern=True, metadata_ms=500)
        eventually(lambda: member.all_shares() == {f"{stem}-one": [0, 1]})
        connection.create_topic(f"{stem}-two", 1)
        eventually(lambda: member.all_shares() == {f"{stem}-one": [0, 1], f"{stem}-two": [0]})
