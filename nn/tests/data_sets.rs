//! The data sets of `data/` read as what their page says.

use std::path::Path;

use lepton_nn::files::read_csv;
use lepton_tabular::{Features, Method, ReadOptions, TargetSpec, Task};

#[test]
fn every_set_reads_as_its_page_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
    use Task::{Classification, Regression};
    let sets = [
        ("boston", 506, 14, "medv", Regression, 1, 0),
        ("breast_cancer", 569, 31, "benign", Classification, 2, 0),
        ("diabetes", 442, 11, "progression", Regression, 1, 0),
        ("digits", 1797, 65, "digit", Classification, 10, 0),
        ("heart_disease", 920, 15, "num", Classification, 5, 1759),
        ("iris", 150, 5, "species", Classification, 3, 0),
        ("wine", 178, 14, "class", Classification, 3, 0),
    ];
    for (name, rows, columns, target, task, outputs, missing) in sets {
        let path = folder.join(name).with_extension("csv");
        let table = read_csv(path, &ReadOptions::default()).unwrap();
        assert_eq!(
            (table.rows(), table.columns().len()),
            (rows, columns),
            "{name}"
        );
        let holes: usize = table.columns().iter().map(|c| c.cells.missing()).sum();
        assert_eq!(holes, missing, "{name}");
        let spec = TargetSpec::fit(&table, target, None).unwrap();
        assert_eq!((spec.task(), spec.outputs()), (task, outputs), "{name}");
        let inputs = table.without(&[target]).unwrap();
        let x = Features::fit(&inputs, Method::Standard).unwrap();
        let x = x.encode(&inputs).unwrap();
        assert!(x.values.iter().all(|v| v.is_finite()), "{name}");
    }
}
