//! Listeners, connections, threads and limits on requests.

use super::super::key::{Key, int, list, long, string};

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    list("advertised.listeners").not_empty()
        .acts("compat process several_listeners_each_give_their_own_address")
        .doc("Addresses that clients are told to connect to, one per listener. Unset: the addresses listened on, `localhost` for a listener on several loopback addresses, the machine's name for one on all interfaces."),
    long("connections.max.idle.ms").default("600000")
        .acts("compat process idle_connections_are_closed")
        .doc("A connection without traffic for this long is closed; negative: never."),
    list("early.start.listeners")
        .doc("Listeners that open before the authorizer has started; unset: those of the controller."),
    string("inter.broker.listener.name")
        .acts("config::listeners::tests::what_cannot_be_listened_on_is_refused_with_the_reason")
        .doc("Listener that brokers use among themselves; unset: the one named like security.inter.broker.protocol."),
    string("listener.security.protocol.map").default("SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT").per_broker()
        .acts("compat process several_listeners_each_give_their_own_address")
        .doc("What each listener speaks, as NAME:PROTOCOL. Only PLAINTEXT works in this version."),
    list("listeners").default("PLAINTEXT://127.0.0.1:9092,PLAINTEXT://[::1]:9092").not_empty().per_broker()
        .acts("compat process several_listeners_each_give_their_own_address")
        .doc("Addresses to listen on, as NAME://host:port: IPv6 in brackets, no host for all interfaces, port 0 for a free one. The same name may stand several times and is then one listener with several addresses."),
    int("max.connection.creation.rate").default("2147483647").at_least(0).cluster_wide()
        .acts("net::door::tests::connections_come_no_faster_than_the_rate")
        .doc("New connections a second that the broker accepts, the others wait; at 0 one every 11 seconds. A listener can have its own: listener.name.NAME.max.connection.creation.rate."),
    int("max.connections").default("2147483647").at_least(0).cluster_wide()
        .acts("net::tests::connections_above_the_most_wait_until_one_leaves")
        .doc("Connections that the node holds at once, the others wait. A listener can have its own: listener.name.NAME.max.connections."),
    int("max.connections.per.ip").default("2147483647").at_least(0).cluster_wide()
        .acts("it::settings::connections_are_bounded_by_listener_and_address")
        .doc("Connections from one address at once."),
    string("max.connections.per.ip.overrides").default("").cluster_wide()
        .acts("it::settings::connections_are_bounded_by_listener_and_address")
        .doc("Other bounds for some addresses, as host:count."),
    int("max.request.partition.size.limit").default("2000").at_least(1).acts("it::partitions::trap_53_pages_of_topics_say_what_metadata_says")
        .doc("Partitions that one DescribeTopicPartitions answer tells of; the next page is asked for with its cursor."),
    int("num.io.threads").default("8").at_least(1).cluster_wide()
        .doc("Threads that work on requests. Klamm's are klamm.worker.threads."),
    int("num.network.threads").default("3").at_least(1).cluster_wide()
        .doc("Threads that serve the network. Klamm's are klamm.worker.threads."),
    long("queued.max.request.bytes").default("268435456")
        .acts("net::tests::requests_in_flight_hold_the_budget_until_they_are_answered")
        .doc("Bytes that all requests in flight may hold together; connections are not read from while it is used up. 0 or less: no bound."),
    int("queued.max.requests").default("500").at_least(1)
        .doc("Requests that may wait for a thread. Klamm bounds bytes instead: queued.max.request.bytes."),
    int("request.timeout.ms").default("30000")
        .doc("Time that a request to another node may take."),
    string("security.inter.broker.protocol").default("PLAINTEXT").one_of(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
        .acts("config::listeners::tests::what_cannot_be_listened_on_is_refused_with_the_reason")
        .doc("Security protocol between brokers; used to find the listener when inter.broker.listener.name is not set."),
    long("socket.connection.setup.timeout.max.ms").default("30000")
        .doc("Longest time that the set-up of a connection to another node may take after several failures."),
    long("socket.connection.setup.timeout.ms").default("10000")
        .doc("Time that the first set-up of a connection to another node may take."),
    int("socket.listen.backlog.size").default("50").at_least(1)
        .acts("net::tests::no_more_connections_than_the_backlog_wait_to_be_accepted")
        .doc("Connections that may wait to be accepted."),
    int("socket.receive.buffer.bytes").default("102400")
        .doc("Receive buffer of a client's connection. Klamm leaves it to the operating system, which adapts it."),
    int("socket.request.max.bytes").default("104857600").at_least(1)
        .acts("net::tests::sizes_that_cannot_be_close_the_connection_and_what_came_before_is_answered")
        .doc("Largest request, in bytes."),
    int("socket.send.buffer.bytes").default("102400")
        .doc("Send buffer of a client's connection. Klamm leaves it to the operating system, which adapts it."),
];
