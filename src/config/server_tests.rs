use super::*;

fn load(text: &str) -> Result<Loaded, Vec<String>> {
    let raw = RawConfig::parse("f", text.as_bytes()).map_err(|problem| vec![problem.to_string()])?;
    ServerConfig::load(raw).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn the_defaults_are_valid() {
    let config = ServerConfig::default();
    assert_eq!(config.node_id, NodeId(1));
    assert!(load("").is_ok_and(|loaded| loaded.warnings.is_empty()));
}
