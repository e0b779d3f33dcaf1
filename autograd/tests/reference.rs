//! The cases of `reference/ops` and `reference/random`, computed by other systems.
//!
//! `cargo test --release -p lepton-autograd --test reference -- --nocapture` runs every case below
//! `reference/AREA`, or below `$LEPTON_REFERENCE/AREA`. What runs is decided by the area's index
//! alone. A case passes when everything it stores is met; what lepton lacks makes it unsupported.

#[path = "reference/call.rs"]
mod call;
#[path = "reference/compare.rs"]
mod compare;
#[path = "reference/files.rs"]
mod files;
#[path = "reference/ops/mod.rs"]
mod ops;
#[path = "reference/random.rs"]
mod random;
#[path = "reference/report.rs"]
mod report;
#[path = "reference/sample.rs"]
mod sample;
#[path = "reference/tables.rs"]
mod tables;
#[path = "reference/views.rs"]
mod views;

use report::Report;

#[test]
fn ops_agree() {
    let mut report = Report::new("ops");
    let area = files::Area::open("ops");
    sample::run(&area, &mut report);
    tables::run(&area.index, &mut report);
    report.finish();
}

#[test]
fn random_agrees() {
    let mut report = Report::new("random");
    random::run(&files::root("random"), &mut report);
    report.finish();
}
