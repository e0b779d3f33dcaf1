//! No identifier vanishes, or is renamed, unnoticed: histories are joined by them.

use std::collections::BTreeSet;

use lepton_benches::{known, suite};

const FILE: &str = "benches/identifiers.txt";

#[test]
fn the_stored_list_has_every_identifier_and_no_other() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/identifiers.txt");
    let text = std::fs::read_to_string(path).expect("the stored list");
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    let stored: BTreeSet<String> = lines.map(str::to_owned).collect();
    let now: BTreeSet<String> = suite().iter().map(|c| c.id().to_string()).collect();
    let gone: Vec<_> = stored.difference(&now).collect();
    assert!(
        gone.is_empty(),
        "their histories would end: {gone:?}; bring them back, or say so in {FILE}"
    );
    let new: Vec<_> = now.difference(&stored).collect();
    assert!(new.is_empty(), "add to {FILE}: {new:?}");
}

#[test]
fn identifiers_and_names_are_unique() {
    let all = suite();
    let ids: BTreeSet<String> = all.iter().map(|c| c.id().to_string()).collect();
    let names: BTreeSet<&str> = all.iter().map(|c| c.name()).collect();
    assert_eq!((ids.len(), names.len()), (all.len(), all.len()));
}

#[test]
fn identifiers_have_four_parts_before_level_and_threads() {
    for case in suite() {
        let id = case.id().to_string();
        assert_eq!(id.split('/').filter(|p| !p.is_empty()).count(), 4, "{id}");
    }
    assert!(known().iter().all(|c| !c.name().contains('/')));
}
