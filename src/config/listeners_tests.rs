use super::super::raw::RawConfig;
use super::super::server::{NetworkConfig, ServerConfig};
use super::*;

fn network(properties: &str) -> Result<NetworkConfig, String> {
    let raw = RawConfig::parse("f", properties.as_bytes()).expect("well formed");
    let loaded = ServerConfig::load(raw).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        texts.join("\n")
    })?;
    Ok(loaded.config.network)
}

fn listeners(properties: &str) -> Vec<Listener> {
    network(properties).expect("valid").listeners
}

fn refusal(properties: &str) -> String {
    network(properties).expect_err("refused")
}

fn advertised(listener: &Listener) -> (Option<&str>, Option<u16>) {
    (listener.advertised.host.as_deref(), listener.advertised.port)
}

fn addresses(listener: &Listener) -> Vec<String> {
    listener.addresses.iter().map(ToString::to_string).collect()
}

#[test]
fn by_default_both_loopback_addresses_are_one_listener_that_advertises_localhost() {
    let network = network("").expect("valid");
    let [listener] = network.listeners.as_slice() else { panic!("{:?}", network.listeners) };
    assert_eq!(listener.name.as_str(), "PLAINTEXT");
    assert_eq!(addresses(listener), ["127.0.0.1:9092", "[::1]:9092"]);
    assert_eq!(advertised(listener), (Some("localhost"), Some(9092)));
    assert_eq!(network.admin_listener, Some(BindAddress { host: Some("127.0.0.1".to_owned()), port: 9644 }));
}

#[test]
fn no_host_means_all_interfaces_and_the_machines_name() {
    let [listener] = listeners("listeners=plaintext://:9095").try_into().expect("one");
    assert_eq!(listener.addresses, [BindAddress { host: None, port: 9095 }]);
    assert_eq!(advertised(&listener), (None, Some(9095)));
}

#[test]
fn port_0_is_advertised_as_the_port_bound() {
    let [listener] = listeners("listeners=PLAINTEXT://127.0.0.1:0").try_into().expect("one");
    assert_eq!(advertised(&listener), (Some("127.0.0.1"), None));
}

#[test]
fn listeners_have_names_protocols_and_advertised_addresses_of_their_own() {
    let listeners = listeners(
        "listeners=INSIDE://10.0.0.1:9092,OUTSIDE://0.0.0.0:9094,PLAINTEXT://[fe80::1%eth0]:9096\n\
         listener.security.protocol.map=INSIDE:PLAINTEXT, outside:plaintext,PLAINTEXT:PLAINTEXT\n\
         advertised.listeners=OUTSIDE://kafka.example.org:19094,INSIDE://10.0.0.1:9092",
    );
    let names: Vec<&str> = listeners.iter().map(|listener| listener.name.as_str()).collect();
    assert_eq!(names, ["INSIDE", "OUTSIDE", "PLAINTEXT"]);
    let all: Vec<_> = listeners.iter().map(advertised).collect();
    let own = (Some("fe80::1%eth0"), Some(9096));
    assert_eq!(all, [(Some("10.0.0.1"), Some(9092)), (Some("kafka.example.org"), Some(19094)), own]);
}

#[test]
fn a_listener_of_controllers_needs_no_protocol_and_does_not_serve_clients() {
    let listeners = listeners(
        "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://:9092,CONTROLLER://0.0.0.0:9093\ncontroller.quorum.voters=1@localhost:9093",
    );
    let purposes: Vec<ListenerPurpose> = listeners.iter().map(|listener| listener.purpose).collect();
    assert_eq!(purposes, [ListenerPurpose::Broker, ListenerPurpose::Controller]);
}

#[test]
fn what_cannot_be_listened_on_is_refused_with_the_reason() {
    let cases = [
        ("listeners=garbage", "not of the form NAME://host:port"),
        ("listeners=PLAINTEXT://h:99999", "a port of 0 to 65535"),
        ("listeners=PLAINTEXT://::1:9092", "an IPv6 address in brackets"),
        ("listeners=PLAINTEXT://[localhost]:9092", "an IPv6 address in brackets"),
        ("listeners=PLAINTEXT://a b:9092", "not of the form host:port"),
        ("listeners=PLAINTEXT://:9092,SSL://:9092", ":9092 is used by PLAINTEXT and again by SSL"),
        ("listeners=FOO://:9092", "No security protocol defined for listener FOO"),
        ("listeners=SSL://:9092", "only PLAINTEXT works in this version"),
        ("listeners=PLAINTEXT://0.0.0.0:9092", "set advertised.listeners to a routable one"),
        ("listeners=PLAINTEXT://[::]:9092", "set advertised.listeners to a routable one"),
        ("advertised.listeners=PLAINTEXT://0.0.0.0:9092", "advertised.listeners=PLAINTEXT://0.0.0.0:9092: clients cannot"),
        ("advertised.listeners=OTHER://h:1", "OTHER is none of the listeners"),
        ("advertised.listeners=PLAINTEXT://a:1,PLAINTEXT://b:2", "PLAINTEXT stands there twice"),
        ("listener.security.protocol.map=PLAINTEXT:FOO", "'PLAINTEXT:FOO' is not of the form NAME:PROTOCOL"),
        ("listener.security.protocol.map=A:PLAINTEXT,A:PLAINTEXT", "A stands there twice"),
        ("inter.broker.listener.name=INSIDE", "brokers talk to each other over listener INSIDE, which is none of: PLAINTEXT"),
        ("inter.broker.listener.name=PLAINTEXT\nsecurity.inter.broker.protocol=PLAINTEXT", "only one of"),
        ("listeners=PLAINTEXT://:9092\ncontroller.listener.names=PLAINTEXT", "there is no listener for clients"),
        ("klamm.admin.listener=9644", "not of the form host:port"),
    ];
    for (properties, expected) in cases {
        let refusal = refusal(properties);
        assert!(refusal.contains(expected), "{properties}: {refusal}");
        assert!(refusal.contains("f line 1: "), "the line is named: {refusal}");
    }
}

#[test]
fn the_admin_listener_can_be_turned_off() {
    assert_eq!(network("klamm.admin.listener=none").expect("valid").admin_listener, None);
}
