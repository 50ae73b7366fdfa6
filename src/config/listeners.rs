//! Where the broker listens and what clients are told: `listeners`, `advertised.listeners` and the keys around them.

use std::fmt;
use std::net::IpAddr;

use super::raw::Problem;
use super::settings::Settings;

/// Name of a listener, in capitals.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ListenerName(String);

impl ListenerName {
    /// Kafka compares listener names in capitals.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_uppercase())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ListenerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a listener speaks below Kafka's protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SecurityProtocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl SecurityProtocol {
    fn named(name: &str) -> Option<Self> {
        match name.to_uppercase().as_str() {
            "PLAINTEXT" => Some(Self::Plaintext),
            "SSL" => Some(Self::Ssl),
            "SASL_PLAINTEXT" => Some(Self::SaslPlaintext),
            "SASL_SSL" => Some(Self::SaslSsl),
            _ => None,
        }
    }
}

/// Who comes in on a listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListenerPurpose {
    /// Clients and brokers.
    Broker,
    /// Controllers: named in `controller.listener.names`.
    Controller,
}

/// A host and port to bind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BindAddress {
    /// Name or address; `None` for all interfaces.
    pub host: Option<String>,
    /// 0 for any free port.
    pub port: u16,
}

impl fmt::Display for BindAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.as_deref() {
            Some(host) if host.contains(':') => write!(formatter, "[{host}]:{}", self.port),
            Some(host) => write!(formatter, "{host}:{}", self.port),
            None => write!(formatter, ":{}", self.port),
        }
    }
}

/// What clients of a listener are told to connect to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdvertisedAddress {
    /// `None` for the machine's own name, to be asked at start.
    pub host: Option<String>,
    /// `None` for the port in fact bound.
    pub port: Option<u16>,
}

/// One listener. Unlike Kafka's, it may have several addresses: the same name written several times.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listener {
    pub name: ListenerName,
    pub purpose: ListenerPurpose,
    pub protocol: SecurityProtocol,
    /// At least one, in the order written.
    pub addresses: Vec<BindAddress>,
    pub advertised: AdvertisedAddress,
}

/// `NAME://host:port` taken apart.
struct EndPoint {
    name: ListenerName,
    address: BindAddress,
}

impl EndPoint {
    fn read(text: &str) -> Result<Self, String> {
        let (name, address) = text.split_once("://").filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
            format!("'{text}' is not of the form NAME://host:port (an IPv6 address in brackets, no host for all interfaces)")
        })?;
        Ok(Self { name: ListenerName::new(name), address: read_address(address)? })
    }
}

fn read_address(text: &str) -> Result<BindAddress, String> {
    let wrong = || format!("'{text}' is not of the form host:port with a port of 0 to 65535 and an IPv6 address in brackets");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').filter(|inner| inner.contains(':')).ok_or_else(wrong)?,
        None if host.contains(':') => return Err(wrong()),
        None => host,
    };
    let is_host = bare.chars().all(|character| character.is_ascii_alphanumeric() || "-._:%".contains(character));
    let port: u16 = port.parse().ok().filter(|_| is_host).ok_or_else(wrong)?;
    Ok(BindAddress { host: (!bare.is_empty()).then(|| bare.to_owned()), port })
}

/// Accepts what `klamm.admin.listener` may be.
pub(super) fn read_admin_listener(text: &str) -> Result<(), String> {
    admin_listener(text).map(|_| ())
}

/// `none`, or an address.
pub(super) fn admin_listener(text: &str) -> Result<Option<BindAddress>, String> {
    if text.eq_ignore_ascii_case("none") { Ok(None) } else { read_address(text).map(Some) }
}

/// Collects what is wrong, naming key, value and place.
struct Complaints<'a> {
    settings: &'a Settings,
    problems: &'a mut Vec<Problem>,
}

impl Complaints<'_> {
    fn add(&mut self, key: &str, reason: &str) {
        let value = self.settings.written(key).map_or_else(String::new, |written| format!("={}", written.text));
        self.problems.push(Problem { origin: self.settings.origin(key), message: format!("{key}{value}: {reason}") });
    }
}

/// The listeners, in the order of their first mention.
pub(super) fn read(settings: &Settings, problems: &mut Vec<Problem>) -> Vec<Listener> {
    let mut complaints = Complaints { settings, problems };
    let controllers: Vec<ListenerName> =
        settings.list("controller.listener.names").iter().map(|name| ListenerName::new(name)).collect();
    let protocols = read_protocols(settings, &controllers, &mut complaints);
    let mut listeners: Vec<Listener> = Vec::new();
    for end_point in end_points("listeners", &mut complaints) {
        add_end_point(&mut listeners, end_point, &controllers, &protocols, &mut complaints);
    }
    advertise(&mut listeners, &mut complaints);
    check_inter_broker_listener(settings, &listeners, &mut complaints);
    listeners
}

fn end_points(key: &str, complaints: &mut Complaints<'_>) -> Vec<EndPoint> {
    let mut end_points = Vec::new();
    for entry in complaints.settings.list(key) {
        match EndPoint::read(&entry) {
            Ok(end_point) => end_points.push(end_point),
            Err(reason) => complaints.add(key, &reason),
        }
    }
    end_points
}

fn read_protocols(
    settings: &Settings,
    controllers: &[ListenerName],
    complaints: &mut Complaints<'_>,
) -> Vec<(ListenerName, SecurityProtocol)> {
    const KEY: &str = "listener.security.protocol.map";
    let mut protocols = Vec::new();
    for entry in settings.text(KEY).split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let read = entry
            .split_once(':')
            .and_then(|(name, protocol)| Some((ListenerName::new(name.trim()), SecurityProtocol::named(protocol.trim())?)));
        match read {
            Some((name, _)) if protocols.iter().any(|(other, _)| *other == name) => {
                complaints.add(KEY, &format!("{name} stands there twice"));
            }
            Some(pair) => protocols.push(pair),
            None => complaints
                .add(KEY, &format!("'{entry}' is not of the form NAME:PROTOCOL with PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")),
        }
    }
    // As in Kafka: with the default map, listeners of controllers need no entry.
    if !settings.is_set(KEY) {
        for name in controllers {
            if !protocols.iter().any(|(other, _)| other == name) {
                protocols.push((name.clone(), SecurityProtocol::Plaintext));
            }
        }
    }
    protocols
}

fn add_end_point(
    listeners: &mut Vec<Listener>,
    end_point: EndPoint,
    controllers: &[ListenerName],
    protocols: &[(ListenerName, SecurityProtocol)],
    complaints: &mut Complaints<'_>,
) {
    let EndPoint { name, address } = end_point;
    let taken = |listener: &Listener| address.port != 0 && listener.addresses.contains(&address);
    if let Some(other) = listeners.iter().find(|listener| taken(listener)) {
        return complaints.add("listeners", &format!("{address} is used by {} and again by {name}", other.name));
    }
    if let Some(listener) = listeners.iter_mut().find(|listener| listener.name == name) {
        return listener.addresses.push(address);
    }
    let Some((_, protocol)) = protocols.iter().find(|(other, _)| *other == name) else {
        return complaints.add(
            "listeners",
            &format!("No security protocol defined for listener {name}: name it in listener.security.protocol.map"),
        );
    };
    if *protocol != SecurityProtocol::Plaintext {
        return complaints.add("listeners", &format!("listener {name} uses {protocol:?}; only PLAINTEXT works in this version"));
    }
    let purpose = if controllers.contains(&name) { ListenerPurpose::Controller } else { ListenerPurpose::Broker };
    let advertised = AdvertisedAddress { host: None, port: None };
    listeners.push(Listener { name, purpose, protocol: *protocol, addresses: vec![address], advertised });
}

/// Kafka's rule: what `advertised.listeners` says, else the address listened on, else the machine's name.
fn advertise(listeners: &mut [Listener], complaints: &mut Complaints<'_>) {
    const KEY: &str = "advertised.listeners";
    for listener in &mut *listeners {
        listener.advertised = own_address(&listener.addresses);
    }
    let given = complaints.settings.is_set(KEY);
    let mut named: Vec<ListenerName> = Vec::new();
    for EndPoint { name, address } in end_points(KEY, complaints) {
        if named.contains(&name) {
            complaints.add(KEY, &format!("each listener may be advertised once, {name} stands there twice"));
        } else if let Some(listener) = listeners.iter_mut().find(|listener| listener.name == name) {
            listener.advertised = AdvertisedAddress { host: address.host, port: (address.port != 0).then_some(address.port) };
        } else {
            complaints.add(KEY, &format!("{name} is none of the listeners"));
        }
        named.push(name);
    }
    for listener in listeners.iter().filter(|listener| listener.purpose == ListenerPurpose::Broker) {
        if listener.advertised.host.as_deref().is_some_and(is_wildcard) {
            let key = if given { KEY } else { "listeners" };
            complaints.add(
                key,
                &format!(
                    "clients cannot connect to the meta-address that {} would advertise; set {KEY} to a routable one",
                    listener.name
                ),
            );
        }
    }
}

fn is_wildcard(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified())
}

/// One address stands for itself; of several, `localhost` if none leaves the machine, else the first.
fn own_address(addresses: &[BindAddress]) -> AdvertisedAddress {
    let is_loopback = |address: &BindAddress| {
        let host = address.host.as_deref().unwrap_or_default();
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    let Some(first) = addresses.first() else {
        return AdvertisedAddress { host: None, port: None };
    };
    let several_on_loopback = addresses.len() > 1 && addresses.iter().all(is_loopback);
    let host = if several_on_loopback { Some("localhost".to_owned()) } else { first.host.clone() };
    AdvertisedAddress { host, port: (first.port != 0).then_some(first.port) }
}

/// The listener that brokers use among themselves has to be one that there is. A lone node only checks it.
fn check_inter_broker_listener(settings: &Settings, listeners: &[Listener], complaints: &mut Complaints<'_>) {
    const NAME: &str = "inter.broker.listener.name";
    const PROTOCOL: &str = "security.inter.broker.protocol";
    if settings.is_set(NAME) && settings.is_set(PROTOCOL) {
        complaints.add(NAME, &format!("only one of {NAME} and {PROTOCOL} may be set"));
    }
    let key = if settings.is_set(NAME) { NAME } else { PROTOCOL };
    let name = ListenerName::new(&settings.optional_text(NAME).unwrap_or_else(|| settings.text(PROTOCOL)));
    let brokers: Vec<&str> = listeners
        .iter()
        .filter(|listener| listener.purpose == ListenerPurpose::Broker)
        .map(|listener| listener.name.as_str())
        .collect();
    if brokers.is_empty() {
        complaints.add("listeners", "there is no listener for clients");
    } else if !brokers.contains(&name.as_str()) {
        complaints.add(
            key,
            &format!("brokers talk to each other over listener {name}, which is none of: {}; set {NAME}", brokers.join(", ")),
        );
    }
}

#[cfg(test)]
#[path = "listeners_tests.rs"]
mod tests;
