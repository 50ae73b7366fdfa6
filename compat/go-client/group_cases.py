"""franz-go's group consumer."""

import time

from cases import program

from harness.case import eventually, unique
from harness.member_cases import RANGES, create, declare, group_case
from harness.members import each_once_to_its_owner, settle
from harness.wire import Connection

client = program()
declare(client, RANGES, balancer="range")


@group_case
def cooperative_sticky_moves_only_what_has_to_move(broker):
    topic, group = create(broker, "go-cooperative", 6), unique("go-cooperative")
    members = [client.quick(broker, group, topic) for _ in range(2)]
    eventually(lambda: [len(each.share()) for each in members] == [3, 3])
    client.produce(broker, topic, range(60), 6)
    each_once_to_its_owner(members, range(60))
    before = [(set(each.share()), len(each.rebalances)) for each in members]
    members.append(client.quick(broker, group, topic))
    eventually(lambda: [len(each.share()) for each in members] == [2, 2, 2])
    for each, (had, rebalances) in zip(members, before):
        [given_up] = had - set(each.share())
        assert set(each.share()) < had and given_up in members[2].share()
        changes = [(told["what"], told["partitions"]) for told in each.rebalances[rebalances:] if told["partitions"]]
        assert changes == [("revoked", {topic: [given_up]})], changes
    # Nobody committed: what did not move goes on where it was, what moved begins anew.
    client.produce(broker, topic, range(60, 120), 6)
    new = members[2].share()
    assert sorted(members[2].take(40)) == [number for number in range(120) if number % 6 in new]
    assert sorted(members[0].take(20) + members[1].take(20)) == [number for number in range(60, 120) if number % 6 not in new]


@group_case
def static_member_comes_back_without_a_rebalance(broker):
    """Whether it is the leader or not."""
    topic, group = create(broker, "go-static", 6), unique("go-static")

    def join(name):
        return client.quick(broker, group, topic, instance=name, balancer="range")

    members = [join("one"), join("two")]
    settle(members, [0, 1, 2], [3, 4, 5])
    before = [each.share() for each in members]
    for index, name in enumerate(("one", "two")):
        other = members[1 - index]
        told = len(other.rebalances)
        members[index].leave()
        members[index] = join(name)
        eventually(lambda index=index: members[index].share())
        time.sleep(0.5)
        assert [each.share() for each in members] == before
        assert len(other.rebalances) == told, f"the other member was rebalanced: {other.rebalances}"
    client.produce(broker, topic, range(60), 6)
    each_once_to_its_owner(members, range(60))


@group_case
def twin_of_a_static_member_fences_it(broker):
    topic, group = create(broker, "go-twins", 2), unique("go-twins")
    first = client.quick(broker, group, topic, instance="one")
    settle([first], [0, 1])
    second = client.quick(broker, group, topic, instance="one")
    settle([second], [0, 1])
    assert "FENCED_INSTANCE_ID" in first.ask("commit offset", partition=0, offset=1)
    client.produce(broker, topic, range(10), 2)
    each_once_to_its_owner([second], range(10))
    assert second.committed() == {}


@group_case
def pattern_subscription_sees_a_new_topic(broker):
    prefix, group = unique("go-pattern"), unique("go-pattern")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(f"{prefix}-old", 2)
        members = [client.quick(broker, group, f"^{prefix}-.*", pattern=True, metadata_ms=300) for _ in range(2)]
        eventually(lambda: sorted(each.all_shares().get(f"{prefix}-old", []) for each in members) == [[0], [1]])
        connection.create_topic(f"{prefix}-new", 2)
    eventually(lambda: [sum(map(len, each.all_shares().values())) for each in members] == [2, 2])
    for name in ("old", "new"):
        client.produce(broker, f"{prefix}-{name}", range(10), 2)
    eventually(lambda: sum(len(each.records) for each in members) >= 20)
    found = sorted((record.topic, int(record.value)) for each in members for record in each.records)
    assert found == sorted((f"{prefix}-{name}", number) for name in ("old", "new") for number in range(10))
