"""Groups and their offsets, with members in each state of a group.

The states: nobody knows it; empty (offsets, no members); a member joins while the leader does not (preparing); the leader does not say who has
what (completing); stable with one and with two; dead.
"""

from .shared import ask, bent, do, odd, topic

SUBSCRIPTION = "hex:00000000000100017400000000"  # version 0, topic t, no user data
MOST = 2**63 - 1
READY = {"coordinators": [{"errorCode": 0}]}


def coordinator(group: str) -> dict:
    return do("FindCoordinator", 4, {"keyType": 0, "coordinatorKeys": [group]}, until=READY)


def joining(group: str, member="", protocols=("range",), instance=None, version=9, session=30_000, rebalance=30_000, kind="consumer") -> dict:
    body = {"groupId": group, "sessionTimeoutMs": session, "memberId": member, "protocolType": kind,
            "protocols": [{"name": name, "metadata": SUBSCRIPTION} for name in protocols]}
    body |= {"rebalanceTimeoutMs": rebalance} if version >= 1 else {}
    return body | ({"groupInstanceId": instance} if instance else {})


def syncing(group: str, generation: int, member: str, *assigned, version=5, **more) -> dict:
    body = {"groupId": group, "generationId": generation, "memberId": member,
            "assignments": [{"memberId": one, "assignment": what} for one, what in assigned]}
    return body | ({"protocolType": "consumer", "protocolName": "range"} if version >= 5 else {}) | more


def join(group: str, member="", by="", later=False, **more) -> dict:
    return do("JoinGroup", 9, joining(group, member, **more), **({"by": by} if by else {}), **({"later": True} if later else {}))


def sync(group: str, generation: int, member: str, *assigned, by="", later=False) -> dict:
    return do("SyncGroup", 5, syncing(group, generation, member, *assigned), **({"by": by} if by else {}), **({"later": True} if later else {}))


def alone(group: str, member: str, **more) -> list[dict]:
    """One member in a stable group, of generation 1; its id is `member`."""
    return [coordinator(group), join(group, **more), join(group, member, **more), sync(group, 1, member, (member, "all"))]


def together(group: str, first: str, second: str) -> list[dict]:
    """Two members in a stable group, of generation 2."""
    return [*alone(group, first), join(group, by="b"), join(group, second, by="b", later=True),
            heard(group, 1, first, 27), join(group, first), sync(group, 2, second, by="b", later=True),
            sync(group, 2, first, (first, "half"), (second, "other half"))]


def heard(group: str, generation: int, member: str, code: int) -> dict:
    """A heartbeat until the coordinator answers so."""
    return do("Heartbeat", 4, {"groupId": group, "generationId": generation, "memberId": member}, until={"errorCode": code})


def leave(group: str, *members: str) -> dict:
    return do("LeaveGroup", 5, {"groupId": group, "members": [{"memberId": member} for member in members]})


def committing(group: str, *parts, generation=-1, member="", version=9, **more) -> dict:
    topics = [{"name": name, "partitions": [{"partitionIndex": partition, "committedOffset": offset} | rest]}
              for name, partition, offset, rest in (part if len(part) == 4 else (*part, {}) for part in parts)]
    return {"groupId": group, "generationIdOrMemberEpoch": generation, "memberId": member, "topics": topics} | more


def commit(group: str, *parts, **more) -> dict:
    return do("OffsetCommit", 9, committing(group, *parts, **more))


def find_coordinator(v):
    def find(*keys, kind=0) -> dict:
        body = {"key": keys[0]} if v < 4 else {"coordinatorKeys": list(keys)}
        return body | ({"keyType": kind} if v >= 1 else {})

    yield coordinator(f"found-{v}")
    yield ask("of a group", find(f"found-{v}"))
    yield ask("of another one", find(f"other-{v}"))
    yield ask("of a group with a long name", find("g" * 300))
    yield ask("of two groups", find(f"found-{v}", f"other-{v}") if v >= 4 else {"coordinatorKeys": []})
    yield odd("of a group without a name", find(""))
    yield odd("of nothing", {"coordinatorKeys": [], "keyType": 0})
    yield odd("of the same one twice", find(f"found-{v}", f"found-{v}") if v >= 4 else {"coordinatorKeys": []})
    yield odd("of a kind that nobody knows", find("x", kind=9))
    yield odd("of a kind below 0", find("x", kind=-1))
    yield odd("of a share group without its parts", find("x", kind=2))
    yield odd("a name of signs", find("ü/\\ \u0000"))
    yield odd("no bytes at all", "")
    yield odd("bytes instead of fields", "hex:ffffffff")
    yield from bent(find(f"found-{v}"))


def join_group(v):
    g, one = f"join-{v}", "@member0"

    def mine(group=g, member="", **more):
        return joining(group, member, version=v, **more)

    yield coordinator(g)
    yield ask("the first member", mine())
    yield ask("the first member with its id", mine(member=one))
    yield do("SyncGroup", 0, {"groupId": g, "generationId": 1, "memberId": one, "assignments": [{"memberId": one, "assignment": "all"}]})
    yield ask("the leader again, in a stable group", mine(member=one))
    yield do("SyncGroup", 0, {"groupId": g, "generationId": 2, "memberId": one, "assignments": [{"memberId": one, "assignment": "all"}]})
    yield ask("with another protocol too", mine(member=one, protocols=("range", "roundrobin")))
    yield ask("while the group waits for its assignment", mine(member=one, protocols=("range", "roundrobin")))
    yield do("JoinGroup", 5, {**joining(g), "groupInstanceId": None}, by="b")
    yield do("JoinGroup", 5, joining(g, "@member1"), by="b", later=True)
    yield heard(g, 3, one, 27)
    yield ask("while another one joins", mine(member=one))
    yield odd("a protocol that nobody else has", mine(protocols=("sticky",)))
    yield odd("a protocol type that nobody else has", mine(kind="connect"))
    yield odd("a member that nobody knows", mine(member="nobody"))
    yield odd("no protocols", mine(f"{g}-none", protocols=()))
    yield odd("no protocol type", mine(f"{g}-none", kind=""))
    yield odd("a group without a name", mine(""))
    yield odd("a session that is too short", mine(f"{g}-none", session=99))
    yield odd("a session that is too long", mine(f"{g}-none", session=1_800_001))
    yield odd("a session of no time", mine(f"{g}-none", session=0))
    yield odd("an id in a group that nobody knows", mine(f"{g}-none", member=one))
    if v >= 5:
        s = f"{g}-static"
        yield ask("a static member", mine(s, instance="i1"))
        yield ask("it comes back without its id", mine(s, instance="i1"))
        yield odd("it comes back with its old id", mine(s, instance="i1", member="@member2"))
        yield odd("a static member that is somebody else's id", mine(s, instance="i2", member="@member3"))
        yield odd("a static member of no name", mine(f"{s}-b", instance=""))
        yield odd("an instance whose name is none", mine(f"{s}-c", instance="bad name"))
    yield ask("why", mine(f"{g}-why") | {"reason": "because"})
    yield from bent(mine(f"{g}-bent"))


def sync_group(v):
    g, one, two = f"sync-{v}", "@member0", "@member1"

    def mine(generation, member, *assigned, group=g, **more):
        return syncing(group, generation, member, *assigned, version=v, **more)

    yield odd("a group that nobody knows", mine(1, "x", group=f"{g}-none"))
    yield from (coordinator(g), join(g), join(g, one))
    yield odd("a member that nobody knows", mine(1, "nobody"))
    yield odd("a generation that is to come", mine(2, one))
    yield odd("a generation below -1", mine(-2, one))
    yield odd("a protocol that was not chosen", mine(1, one, protocolName="sticky", protocolType="consumer"))
    yield odd("a protocol type that is not the group's", mine(1, one, protocolName="range", protocolType="connect"))
    yield ask("the leader says who has what", mine(1, one, (one, "all")))
    yield ask("and asks again", mine(1, one))
    yield ask("and says something else", mine(1, one, (one, "nothing")))
    yield from (join(g, by="b"), join(g, two, by="b", later=True), heard(g, 1, one, 27))
    yield odd("while another one joins", mine(1, one))
    yield join(g, one)
    yield ask("the second member waits", mine(2, two), by="b", later=True)
    yield ask("the leader says it to both", mine(2, one, (one, "half"), (two, "other half")))
    yield ask("the second member again", mine(2, two), by="b")
    yield odd("an old generation", mine(1, one))
    yield odd("a group without a name", mine(1, one, group=""))
    yield odd("an instance that nobody knows", mine(2, one, groupInstanceId="i9"))
    yield leave(g, one, two)
    yield odd("after it left", mine(2, one))
    yield from bent(mine(2, one))


def heartbeat(v):
    g, one, two = f"heart-{v}", "@member0", "@member1"

    def mine(generation, member, group=g, **more):
        return {"groupId": group, "generationId": generation, "memberId": member} | more

    yield odd("a group that nobody knows", mine(1, "x", f"{g}-none"))
    yield from (coordinator(g), join(g), join(g, one))
    yield ask("while the group waits for its assignment", mine(1, one))
    yield sync(g, 1, one, (one, "all"))
    yield ask("in a stable group", mine(1, one))
    yield ask("and again", mine(1, one))
    yield odd("a member that nobody knows", mine(1, "nobody"))
    yield odd("a member without an id", mine(1, ""))
    yield odd("a generation that is to come", mine(2, one))
    yield odd("a generation below -1", mine(-2, one))
    yield odd("an instance that nobody knows", mine(1, one, groupInstanceId="i9"))
    yield from (join(g, by="b"), join(g, two, by="b", later=True), heard(g, 1, one, 27))
    yield ask("while another one joins", mine(1, one))
    yield join(g, one)
    yield ask("by who has joined", mine(2, two), by="b")
    yield odd("an old generation", mine(1, one))
    yield odd("a group without a name", mine(1, one, ""))
    yield leave(g, one, two)
    yield odd("after it left", mine(2, one))
    yield from bent(mine(2, one))


def leave_group(v):
    g = f"leave-{v}"

    def mine(*members, group=g):
        if v < 3:
            return {"groupId": group, "memberId": members[0]}
        return {"groupId": group, "members": [{"memberId": one} if isinstance(one, str) else dict(zip(("memberId", "groupInstanceId"), one)) for one in members]}

    yield odd("a group that nobody knows", mine("x", group=f"{g}-none"))
    yield from alone(g, "@member0")
    yield odd("a member that nobody knows", mine("nobody"))
    yield odd("a member without an id", mine(""))
    yield ask("the only member", mine("@member0"))
    yield odd("once more", mine("@member0"))
    yield from together(f"{g}-two", "@member1", "@member2")
    yield ask("one of two", mine("@member2", group=f"{g}-two"))
    yield heard(f"{g}-two", 2, "@member1", 27)
    yield ask("the other one, while the group prepares", mine("@member1", group=f"{g}-two"))
    yield odd("a group without a name", mine("x", group=""))
    yield from (coordinator(f"{g}-ids"), join(f"{g}-ids"))
    yield ask("one who was only given an id", mine("@member3", group=f"{g}-ids"))
    if v >= 3:
        s = f"{g}-static"
        yield from (coordinator(s), join(s, instance="i1"))
        yield odd("an instance that nobody knows", mine(("", "i9"), group=s))
        yield odd("an instance with another one's id", mine(("nobody", "i1"), group=s))
        yield ask("a static member by its instance", mine(("", "i1"), group=s))
        yield from together(f"{g}-both", "@member5", "@member6")
        yield ask("both at a time", mine("@member5", "@member6", group=f"{g}-both"))
        yield odd("twice the same", mine("nobody", "nobody", group=f"{g}-both"))
        yield odd("nobody", {"groupId": g, "members": []})
    yield from bent(mine("@member0"))


def offset_commit(v):
    t, g = f"oc-{v}", f"commit-{v}"
    yield from topic(t, 2)
    yield coordinator(g)

    def mine(*parts, group=g, **more):
        body = committing(group, *parts, version=v, **more)
        for one in body["topics"] if v >= 10 else ():
            one["topicId"] = {t: "@topic0"}.get(one.pop("name"), "@topic99")
        return body

    yield ask("without a group", mine((t, 0, 5)))
    yield ask("two partitions", mine((t, 0, 6), (t, 1, 7)))
    yield ask("with metadata", mine((t, 0, 6, {"committedMetadata": "kept"})))
    yield ask("with an epoch", mine((t, 0, 6, {"committedLeaderEpoch": 0})))
    yield ask("backwards", mine((t, 0, 0)))
    yield ask("no topics", mine())
    yield odd("a topic that is not there", mine(("nobody", 0, 5)))
    yield odd("a partition that is not there", mine((t, 2, 5)))
    yield odd("a partition below 0", mine((t, -1, 5)))
    yield odd("an offset below 0", mine((t, 0, -1)))
    yield odd("the smallest offset", mine((t, 0, -MOST - 1)))
    yield odd("the largest offset", mine((t, 0, MOST)))
    yield odd("metadata that is too long", mine((t, 0, 5, {"committedMetadata": "m" * 4097})))
    yield odd("metadata that is as long as may be", mine((t, 0, 5, {"committedMetadata": "m" * 4096})))
    yield odd("null for metadata", mine((t, 0, 5, {"committedMetadata": None})))
    yield odd("an epoch below -1", mine((t, 0, 5, {"committedLeaderEpoch": -2})))
    yield odd("a group without a name", mine((t, 0, 5), group=""))
    yield odd("a member of a group that has none", mine((t, 0, 5), member="x"))
    yield odd("a generation of a group that has none", mine((t, 0, 5), generation=1))
    yield odd("a generation of a group that nobody knows", mine((t, 0, 5), group=f"{g}-none", generation=1, member="x"))
    yield odd("a generation below -1", mine((t, 0, 5), generation=-2))
    yield odd("the partition twice", mine((t, 0, 5), (t, 0, 6)))
    yield odd("kept for no time", mine((t, 0, 5), retentionTimeMs=0))
    yield odd("an instance that nobody knows", mine((t, 0, 5), groupInstanceId="i9"))
    a = f"{g}-alone"
    yield from (coordinator(a), join(a), join(a, "@member0"))
    yield odd("while the group waits for its assignment", mine((t, 0, 1), group=a, generation=1, member="@member0"))
    yield sync(a, 1, "@member0", ("@member0", "all"))
    yield ask("a member of a stable group", mine((t, 0, 1), group=a, generation=1, member="@member0"))
    yield odd("nobody, of a stable group", mine((t, 0, 1), group=a))
    yield odd("a member that nobody knows", mine((t, 0, 1), group=a, generation=1, member="nobody"))
    yield odd("a generation that is to come", mine((t, 0, 1), group=a, generation=2, member="@member0"))
    yield from (join(a, by="b"), join(a, "@member1", by="b", later=True), heard(a, 1, "@member0", 27))
    yield ask("while another one joins", mine((t, 0, 2), group=a, generation=1, member="@member0"))
    yield join(a, "@member0")
    yield odd("an old generation", mine((t, 0, 3), group=a, generation=1, member="@member0"))
    yield from bent(mine((t, 0, 5)))


def offset_fetch(v):
    t, g = f"of-{v}", f"fetched-{v}"
    yield from topic(t, 3)
    yield coordinator(g)
    yield commit(g, (t, 0, 5, {"committedMetadata": "kept", "committedLeaderEpoch": 0}), (t, 1, 7))

    def mine(*parts, group=g, all_topics=False, **more):
        named = [({"name": name} if v < 10 else {"topicId": {t: "@topic0"}.get(name, "@topic99")}) | {"partitionIndexes": list(indexes)}
                 for name, *indexes in parts]
        if v < 8:
            return {"groupId": group, "topics": None if all_topics else named} | more
        return {"groups": [{"groupId": group, "topics": None if all_topics else named} | ({"memberEpoch": -1} if v >= 9 else {})]} | more

    yield ask("one partition", mine((t, 0)))
    yield ask("two partitions", mine((t, 0, 1)))
    yield ask("one that has no offset", mine((t, 2)))
    yield ask("all", mine(all_topics=True))
    yield ask("only what is stable", mine((t, 0), requireStable=True))
    yield ask("no topics", mine())
    yield odd("no partitions", mine((t,)))
    yield odd("a topic that is not there", mine(("nobody", 0)))
    yield odd("a partition that is not there", mine((t, 9)))
    yield odd("a partition below 0", mine((t, -1)))
    yield odd("a group that nobody knows", mine((t, 0), group=f"{g}-none"))
    yield odd("all of a group that nobody knows", mine(group=f"{g}-none", all_topics=True))
    yield odd("a group without a name", mine((t, 0), group=""))
    yield odd("the partition twice", mine((t, 0, 0)))
    yield odd("the topic twice", mine((t, 0), (t, 1)))
    if v >= 8:
        both = mine((t, 0))["groups"] + mine((t, 0), group=f"{g}-none")["groups"]
        yield ask("two groups", {"groups": both})
        yield odd("the group twice", {"groups": mine((t, 0))["groups"] * 2})
        yield odd("no groups", {"groups": []})
    if v >= 9:
        def by(member, epoch, **more):
            return {"groups": [mine((t, 0), **more)["groups"][0] | {"memberId": member, "memberEpoch": epoch}]}
        yield odd("a member that nobody knows", by("x", 1))
        yield odd("an epoch that nobody is in", by(None, 5))
        yield odd("a member of a group that nobody knows", by("x", 1, group=f"{g}-none"))
        yield from alone(f"{g}-alone", "@member0")
        yield ask("a member of a stable group", by("@member0", 1, group=f"{g}-alone"))
        yield odd("a member in an epoch that is to come", by("@member0", 9, group=f"{g}-alone"))
    yield from bent(mine((t, 0)))


def offset_delete(v):
    t, g = f"od-{v}", f"forget-{v}"
    yield from topic(t, 3)
    yield coordinator(g)
    yield commit(g, (t, 0, 5), (t, 1, 7), (t, 2, 7))

    def mine(*parts, group=g):
        return {"groupId": group, "topics": [{"name": name, "partitions": [{"partitionIndex": index} for index in indexes]} for name, *indexes in parts]}

    yield ask("one partition", mine((t, 0)))
    yield ask("one that has no offset", mine((t, 0)))
    yield ask("two partitions", mine((t, 1, 2)))
    yield ask("no topics", mine())
    yield commit(g, (t, 0, 5))
    yield odd("no partitions", mine((t,)))
    yield odd("a topic that is not there", mine(("nobody", 0)))
    yield odd("a partition that is not there", mine((t, 9)))
    yield odd("a partition below 0", mine((t, -1)))
    yield odd("a group that nobody knows", mine((t, 0), group=f"{g}-none"))
    yield odd("a group without a name", mine((t, 0), group=""))
    yield odd("the partition twice", mine((t, 0, 0)))
    yield odd("the topic twice", mine((t, 0), (t, 1)))
    yield from alone(f"{g}-alone", "@member0")
    yield commit(f"{g}-alone", (t, 0, 5), generation=1, member="@member0")
    yield odd("of a group that reads others", mine((t, 0), group=f"{g}-alone"))
    yield from bent(mine((t, 0)))


def describe_groups(v):
    g = f"described-{v}"

    def mine(*groups, **more):
        return {"groups": list(groups)} | more

    yield odd("one that nobody knows", mine(f"{g}-none"))
    yield from (coordinator(g), join(g))
    yield odd("one that has only given out an id", mine(g))
    yield join(g, "@member0")
    yield ask("while it waits for its assignment", mine(g))
    yield sync(g, 1, "@member0", ("@member0", "all"))
    yield ask("stable", mine(g))
    yield ask("with what may be done to it", mine(g, includeAuthorizedOperations=True))
    yield from (join(g, by="b"), join(g, "@member1", by="b", later=True), heard(g, 1, "@member0", 27))
    yield ask("while another one joins", mine(g))
    yield join(g, "@member0")
    yield from (sync(g, 2, "@member1", by="b", later=True), sync(g, 2, "@member0", ("@member0", "half"), ("@member1", "other half")))
    yield ask("of two members", mine(g))
    yield leave(g, "@member0", "@member1")
    yield ask("empty", mine(g))
    yield ask("no groups", mine())
    yield odd("one that nobody knows beside one that is there", mine(f"{g}-none", g))
    yield odd("twice the same", mine(g, g))
    yield odd("one without a name", mine(""))
    yield from (do("DeleteGroups", 2, {"groupsNames": [g]}), do("DescribeGroups", 5, mine(g)))
    yield odd("deleted", mine(g))
    yield from bent(mine(g))


def list_groups(v):
    g = f"listed-{v}"
    yield coordinator(g)
    # The first question of all: the topic with the offsets has just been made.
    yield do("OffsetFetch", 7, {"groupId": g, "topics": None}, until={"errorCode": 0})
    yield ask("none", {})
    yield from alone(g, "@member0")
    yield ask("a stable one", {})
    yield commit(f"{g}-offsets", ("nobody", 0, 1))
    yield from topic(f"l-{v}")
    yield commit(f"{g}-offsets", (f"l-{v}", 0, 1))
    yield ask("an empty one too", {})
    yield ask("those of a state", {"statesFilter": ["Stable"]})
    yield ask("those of two states", {"statesFilter": ["Stable", "Empty"]})
    yield ask("those of a type", {"typesFilter": ["classic"]})
    yield odd("a state in small letters", {"statesFilter": ["stable"]})
    yield odd("a state that there is not", {"statesFilter": ["Junk"]})
    yield odd("no state", {"statesFilter": [""]})
    yield odd("types that there are not", {"typesFilter": ["junk"]})
    yield odd("a type in large letters", {"typesFilter": ["CLASSIC"]})
    yield odd("a type and a state", {"typesFilter": ["Classic", "consumer"], "statesFilter": ["Empty"]})
    yield from bent({})
    yield odd("no bytes at all", "")
    yield odd("more bytes", {}, bent={"behind": "hex:00000000"})
    yield odd("a few zeros", "hex:00")
    yield odd("a list that is longer than the request", "hex:ffffff07")
    yield leave(g, "@member0")
    yield do("DeleteGroups", 2, {"groupsNames": [g]})
    yield do("DeleteGroups", 2, {"groupsNames": [f"{g}-offsets"]})


def delete_groups(v):
    t, g = f"dg-{v}", f"deleted-{v}"
    yield from topic(t)
    for name in (g, f"{g}-a", f"{g}-b"):
        yield from (coordinator(name), commit(name, (t, 0, 5)))

    def mine(*groups):
        return {"groupsNames": list(groups)}

    yield ask("an empty one", mine(g))
    yield ask("two", mine(f"{g}-a", f"{g}-b"))
    yield ask("no groups", mine())
    yield odd("once more", mine(g))
    yield odd("one that nobody knows", mine(f"{g}-none"))
    yield odd("one without a name", mine(""))
    yield from alone(f"{g}-alone", "@member0")
    yield odd("one that has members", mine(f"{g}-alone"))
    yield odd("one that has members, twice", mine(f"{g}-alone", f"{g}-alone"))
    yield odd("one that nobody knows beside one with members", mine(f"{g}-none", f"{g}-alone"))
    yield leave(f"{g}-alone", "@member0")
    yield ask("after its members left", mine(f"{g}-alone"))
    yield from (coordinator(f"{g}-ids"), join(f"{g}-ids"))
    yield odd("one that has only given out an id", mine(f"{g}-ids"))
    yield from bent(mine(f"{g}-none"))


CHAPTERS = {
    "ListGroups": list_groups, "FindCoordinator": find_coordinator, "JoinGroup": join_group, "SyncGroup": sync_group, "Heartbeat": heartbeat,
    "LeaveGroup": leave_group, "OffsetCommit": offset_commit, "OffsetFetch": offset_fetch, "OffsetDelete": offset_delete,
    "DescribeGroups": describe_groups, "DeleteGroups": delete_groups,
}
