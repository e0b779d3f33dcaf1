//! Pictures and reports are well-formed, whole, and free of what their texts might smuggle in.

use lepton_explain::causal::{Edge, Graph};
use lepton_explain::picture::{
    Bars, Lines, Part, Series, Waterfall, bars, dag, labelled_dag, lines, waterfall,
};
use lepton_explain::report::Report;
use proptest::prelude::*;

/// Checks that `text` is well-formed markup: tags nest, attributes are quoted, no stray `<` or `&`.
/// `void` names elements that need no end. Returns the texts between the tags, unescaped.
fn well_formed(text: &str, void: &[&str]) -> Result<Vec<String>, String> {
    let (mut open, mut texts, mut rest) = (Vec::new(), Vec::new(), text);
    while let Some(at) = rest.find('<') {
        texts.push(unescape(&rest[..at])?);
        let end = tag_end(&rest[at..]).ok_or(format!("no end of tag: {:.60}", &rest[at..]))?;
        let tag = &rest[at + 1..at + end];
        let name = tag
            .trim_start_matches('/')
            .split([' ', '\n', '/'])
            .next()
            .unwrap_or("");
        if tag.starts_with('/') {
            let last = open.pop();
            (last == Some(name))
                .then_some(())
                .ok_or(format!("</{name}> closes {last:?}"))?;
        } else if !tag.ends_with('/') && !tag.starts_with('!') && !void.contains(&name) {
            open.push(name);
        }
        rest = &rest[at + end + 1..];
    }
    (open.is_empty())
        .then_some(texts)
        .ok_or(format!("never closed: {open:?}"))
}

/// The offset of the `>` that ends the tag which `text` begins with; quotes hide one.
fn tag_end(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (i, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(i),
            '<' if i > 0 => return None,
            _ => {}
        }
    }
    None
}

fn unescape(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    for (i, part) in text.split('&').enumerate() {
        if i == 0 {
            plain += part;
            continue;
        }
        let (name, rest) = part
            .split_once(';')
            .ok_or(format!("stray & before {part:.20}"))?;
        let c = match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" | "#39" => '\'',
            other => return Err(format!("entity {other}")),
        };
        plain.push(c);
        plain += rest;
    }
    Ok(plain)
}

const NASTY: &str = "</svg><script>x=\"#000000\"</script>&amp; 'q'\u{1b}\u{0}";

fn nasty_bars() -> String {
    let entries = [
        (NASTY.to_string(), -1.0),
        ("tiny".to_string(), 1e-12),
        ("no".to_string(), 0.0),
    ];
    bars(&Bars {
        title: NASTY,
        negative: NASTY,
        positive: NASTY,
        entries: &entries,
    })
    .unwrap()
}

fn nasty_dag() -> String {
    let names: Vec<String> = (0..7).map(|i| format!("{i} {NASTY}")).collect();
    let mut graph = Graph::new(&names).with_note(NASTY);
    for i in 1..7 {
        graph.direct(i, 0);
        graph.connect(i, i % 6 + 1);
    }
    dag(NASTY, &graph).unwrap()
}

fn nasty_lines(points: &[(f64, f64)]) -> lepton_tensor::Result<String> {
    let series = [
        Series {
            name: NASTY,
            points,
        },
        Series {
            name: "none",
            points: &[],
        },
    ];
    lines(&Lines {
        title: NASTY,
        x: NASTY,
        y: NASTY,
        series: &series,
    })
}

#[test]
fn texts_stay_texts() {
    for svg in [
        nasty_bars(),
        nasty_dag(),
        nasty_lines(&[(0.0, 1.0), (1.0, f64::NAN)]).unwrap(),
    ] {
        well_formed(&svg, &[]).unwrap();
        assert!(!svg.contains("<script") && !svg.contains('\u{1b}') && !svg.contains('\u{0}'));
        assert_eq!(svg.matches("<svg").count(), 1);
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!((nasty_bars(), nasty_dag()), (nasty_bars(), nasty_dag()));
}

#[test]
fn what_cannot_be_drawn_is_an_error() {
    let empty = Bars {
        title: "",
        negative: "",
        positive: "",
        entries: &[],
    };
    assert!(bars(&empty).is_err());
    let nan = [("a".to_string(), f64::NAN)];
    let error = bars(&Bars {
        entries: &nan,
        ..empty
    })
    .unwrap_err()
    .to_string();
    assert_eq!(error, "bars: the value of `a` is NaN");
    assert!(nasty_lines(&[(0.0, f64::INFINITY)]).is_err());
    assert!(dag("", &Graph::new(&[])).is_err());
}

/// The `x` and `width` of each bar, in order.
fn drawn_bars(svg: &str) -> Vec<(i64, i64)> {
    let value = |line: &str, key: &str| {
        let rest = line.split_once(&format!(" {key}=\"")).unwrap().1;
        rest.split_once('"').unwrap().0.parse().unwrap()
    };
    let bar = |l: &&str| l.starts_with("<rect x=");
    svg.lines()
        .filter(bar)
        .map(|l| (value(l, "x"), value(l, "width")))
        .collect()
}

#[test]
fn a_bar_is_as_long_as_its_value_and_on_its_side() {
    let entries = [("a", 3.0), ("b", -1.0), ("c", 1.5)].map(|(n, v)| (n.to_string(), v));
    let bars = Bars {
        title: "t",
        negative: "n",
        positive: "p",
        entries: &entries,
    };
    let drawn = drawn_bars(&lepton_explain::picture::bars(&bars).unwrap());
    let [a, b, c] = drawn[..] else {
        panic!("{drawn:?}")
    };
    let zero = a.0;
    assert_eq!((b.0 + b.1, c.0), (zero, zero));
    // The hair that shows tiny values is half a unit of 4 steps; then rounding.
    assert!(
        (a.1 - 3 * b.1).abs() <= 8 && (a.1 - 2 * c.1).abs() <= 6,
        "{drawn:?}"
    );
}

fn parts(values: &[f64]) -> Vec<Part> {
    let part = |&value: &f64| Part {
        name: NASTY.into(),
        detail: NASTY.into(),
        value,
    };
    values.iter().map(part).collect()
}

fn fall(parts: &[Part], start: f64, end: f64, shown: usize) -> Waterfall<'_> {
    Waterfall {
        title: NASTY,
        negative: NASTY,
        positive: "p",
        start: ("start", start),
        end: ("end", end),
        parts,
        shown,
    }
}

#[test]
fn a_waterfall_leads_from_the_start_to_the_end_whatever_has_a_bar_of_its_own() {
    let parts = parts(&[2.0, -1.0, 0.5, -3.0, 0.25]);
    for shown in [0, 2, 4, 5, 9] {
        let svg = waterfall(&fall(&parts, -1.0, -2.25, shown)).unwrap();
        let texts = well_formed(&svg, &[]).unwrap();
        let drawn = drawn_bars(&svg);
        let bars = shown.min(4) + 1; // those with a bar of their own, then the others together
        assert_eq!(drawn.len(), bars, "{shown}");
        let rest: f64 = parts.iter().skip(shown).map(|p| p.value).sum();
        if rest != 0.0 {
            let figure = format!("{rest:+}").replace('-', "\u{2212}");
            assert!(
                texts.iter().any(|t| t.trim() == figure),
                "{shown}: {texts:?}"
            );
        }
        // Each bar touches the one above it.
        for (a, b) in drawn.iter().zip(&drawn[1..]) {
            let near = |x: i64, y: i64| (x - y).abs() <= 4;
            let ends = [a.0, a.0 + a.1];
            assert!(
                ends.iter().any(|&e| near(e, b.0) || near(e, b.0 + b.1)),
                "{drawn:?}"
            );
        }
    }
}

#[test]
fn a_waterfall_without_all_parts_is_refused() {
    let parts = parts(&[2.0, -1.0]);
    let refused = |w: Waterfall<'_>| waterfall(&w).unwrap_err().to_string();
    let left_out = refused(fall(&parts[..1], 0.0, 1.0, 2));
    assert!(left_out.ends_with("give every part"), "{left_out}");
    assert!(refused(fall(&parts, f64::NAN, 1.0, 2)).contains("`start` is NaN"));
    assert!(refused(fall(&parts, 0.0, f64::INFINITY, 2)).contains("`end`"));
    let huge = vec![parts[0].clone(); 2]
        .into_iter()
        .map(|p| Part { value: 1e308, ..p });
    let huge: Vec<Part> = huge.collect();
    assert!(waterfall(&fall(&huge, 0.0, f64::MAX, 2)).is_err());
}

#[test]
fn every_edge_has_its_label_and_no_two_labels_meet() {
    let names: Vec<String> = (0..7).map(|i| format!("node {i}")).collect();
    let mut graph = Graph::new(&names);
    for (a, b) in [
        (0, 1),
        (0, 2),
        (1, 3),
        (2, 5),
        (3, 4),
        (4, 6),
        (5, 6),
        (1, 6),
        (2, 4),
    ] {
        graph.connect(a, b);
    }
    let label = |e| match e {
        Edge::Directed(a, b) | Edge::Undirected(a, b) => format!("{}", 100 + 10 * a + b),
    };
    let svg = labelled_dag("t", &graph, label).unwrap();
    let texts = well_formed(&svg, &[]).unwrap();
    for edge in graph.edges() {
        let label = label(edge);
        assert_eq!(
            texts.iter().filter(|t| t.trim() == label).count(),
            1,
            "{label}"
        );
    }
    let value = |line: &str, key: &str| -> f64 {
        let rest = line.split_once(&format!(" {key}=\"")).unwrap().1;
        rest.split_once('"').unwrap().0.parse().unwrap()
    };
    let lines: Vec<&str> = svg.lines().collect();
    let labels = lines.windows(2).filter(|w| w[0].starts_with("<text"));
    let labels = labels.filter(|w| w[1].trim().parse::<u32>().is_ok_and(|n| n >= 100));
    let at: Vec<(f64, f64)> = labels
        .map(|w| (value(w[0], "x"), value(w[0], "y")))
        .collect();
    assert_eq!(at.len(), graph.edges().len());
    for (i, a) in at.iter().enumerate() {
        for b in &at[..i] {
            // Four units of length to one of the picture.
            assert!((a.0 - b.0).hypot(a.1 - b.1) > 4.0 * 12.0, "{at:?}");
        }
    }
}

const VOID: [&str; 2] = ["meta", "!DOCTYPE"];

#[test]
fn a_report_is_one_page_that_loads_and_runs_nothing() {
    let page = Report::new(NASTY)
        .section(NASTY)
        .text(&format!("{NASTY}\n\nsecond"))
        .note(NASTY)
        .section("b")
        .table(
            &["a", NASTY, "c", "d"],
            [vec!["1.5", NASTY, "\u{2212}3 mm"], vec![]],
        )
        .section("c")
        .svg(&nasty_dag(), NASTY)
        .pre(NASTY)
        .html();
    let texts = well_formed(&page, &VOID).unwrap();
    assert!(texts.iter().filter(|t| t.contains("<script>x=")).count() >= 9);
    for forbidden in [
        "<script",
        "<link",
        "<img",
        "url(",
        "@import",
        "@font-face",
        "http:",
        "src=",
    ] {
        let without_namespace = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!without_namespace.contains(forbidden), "{forbidden}");
    }
    for needed in [
        "width=device-width",
        "prefers-color-scheme: dark",
        "default-src 'none'",
        "@media print",
    ] {
        assert!(page.contains(needed), "{needed}");
    }
    assert!(page.contains("<td class=\"n\" data-name=\"a\">1.5</td>"));
    assert!(page.contains("href=\"#s3\"") && page.contains("id=\"s3\""));
}

#[test]
#[should_panic(expected = "row 1 has 2 cells under 1 headings")]
fn a_row_wider_than_its_table_is_a_mistake() {
    let _ = Report::new("t").table(&["a"], [vec!["1"], vec!["1", "2"]]);
}

#[test]
fn curves_at_the_ends_of_the_numbers_can_be_drawn() {
    let tables: [&[f64]; 6] = [
        &[f64::MAX],
        &[f64::MIN, f64::MAX],
        &[1e300, 1e300_f64.next_up()],
        &[-3.0, (-3.0_f64).next_up()],
        &[5e-324, 1e-323],
        &[0.0, f64::MIN_POSITIVE],
    ];
    for values in tables {
        let points: Vec<(f64, f64)> = values.iter().map(|&v| (v, v)).collect();
        let svg = nasty_lines(&points).unwrap();
        assert!(well_formed(&svg, &[]).is_ok(), "{values:?}");
    }
}

proptest! {
    #[test]
    fn any_finite_values_can_be_drawn(
        values in proptest::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO, 1..9),
        name in ".{0,60}",
    ) {
        let entries: Vec<(String, f64)> = values.iter().map(|&v| (name.clone(), v)).collect();
        let svg = bars(&Bars { title: &name, negative: &name, positive: "p", entries: &entries }).unwrap();
        prop_assert!(well_formed(&svg, &[]).is_ok());
        for (x, width) in drawn_bars(&svg) {
            prop_assert!(x >= 0 && width >= 0 && x + width <= 1440, "{} {}", x, width);
        }
        let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(i, &v)| (i as f64, v)).collect();
        prop_assert!(well_formed(&nasty_lines(&points).unwrap(), &[]).is_ok());
        let page = Report::new(&name).text(&name).pre(&name).table(&[&name], [[&name]]).html();
        prop_assert!(well_formed(&page, &VOID).is_ok());
    }
}
