"""kafkajs's group consumer, and what its administrator does with groups."""

import json

from cases import program

from harness.case import unique
from harness.member_cases import IN_TURNS, create, declare, group_case
from harness.members import each_once_to_its_owner, settle

client = program()
declare(client, IN_TURNS)


def ask(broker, call, *arguments):
    asked = client.start("admin", {"bootstrap": broker.bootstrap, "call": call, "arguments": arguments})
    said, _ = asked.communicate(timeout=30)
    assert asked.returncode == 0
    return json.loads(said)["answer"]


@group_case
def admin_describes_a_group_and_deletes_none_that_has_members(broker):
    topic, group = create(broker, "js-admin", 2), unique("js-admin")
    members = [client.quick(broker, group, topic) for _ in range(2)]
    settle(members, [0], [1])
    client.produce(broker, topic, range(20), 2)
    each_once_to_its_owner(members, range(20))
    [found] = ask(broker, "describeGroups", [group])["groups"]
    assert (found["state"], found["protocolType"], found["protocol"]) == ("Stable", "consumer", "RoundRobinAssigner"), found
    assert sorted(each["assignment"][topic] for each in found["members"]) == [[0], [1]]
    assert {each["clientHost"] for each in found["members"]} == {"/127.0.0.1"}
    assert ask(broker, "deleteGroups", [group]) == {"error": "NON_EMPTY_GROUP"}


@group_case(long=True)
def admin_sets_offsets(broker):
    """It joins the group with a consumer of its own to do so, and takes its time."""
    topic, group = create(broker, "js-altered", 2), unique("js-altered")
    member = client.quick(broker, group, topic)
    client.produce(broker, topic, range(20), 2)
    assert len(member.take(20)) == 20
    member.do("commit")
    member.leave()
    assert offsets(broker, group, topic) == {0: 10, 1: 10}
    wanted = {"groupId": group, "topic": topic, "partitions": [{"partition": 1, "offset": "7"}]}
    assert ask(broker, "setOffsets", wanted) is None
    assert offsets(broker, group, topic) == {0: 10, 1: 7}
    assert client.quick(broker, group, topic).take(3) == [15, 17, 19]


@group_case
def admin_deletes_a_group_that_was_left(broker):
    topic, group = create(broker, "js-deleted"), unique("js-deleted")
    member = client.quick(broker, group, topic)
    settle([member], [0])
    member.do("commit offset", partition=0, offset=0)
    member.leave()
    assert {"groupId": group, "protocolType": "consumer"} in ask(broker, "listGroups")["groups"]
    assert offsets(broker, group, topic) == {0: 0}
    assert ask(broker, "deleteGroups", [group]) == [{"groupId": group, "errorCode": 0}]
    assert group not in [each["groupId"] for each in ask(broker, "listGroups")["groups"]]
    assert offsets(broker, group, topic) == {0: -1}
    assert ask(broker, "deleteGroups", [group]) == {"error": "GROUP_ID_NOT_FOUND"}


def offsets(broker, group, topic) -> dict[int, int]:
    [found] = ask(broker, "fetchOffsets", {"groupId": group, "topics": [topic]})
    return {each["partition"]: int(each["offset"]) for each in found["partitions"]}
