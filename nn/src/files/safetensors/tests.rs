//! Headers, sound and broken.

use super::*;
use proptest::prelude::*;

fn file(json: &str, data: usize) -> Vec<u8> {
    [
        &(json.len() as u64).to_le_bytes()[..],
        json.as_bytes(),
        &vec![0; data],
    ]
    .concat()
}

fn read(json: &str, data: usize) -> Result<Header> {
    let file = file(json, data);
    Header::read(&file[..], file.len() as u64)
}

#[test]
fn tensors_come_in_the_order_of_their_bytes() {
    let header = read(
        r#"{"__metadata__":{"format":"pt"},
            "b":{"dtype":"F16","shape":[2,1],"data_offsets":[1,5]},
            "a":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]},
            "none":{"dtype":"I64","shape":[0,3],"data_offsets":[1,1]}} "#,
        5,
    )
    .unwrap();
    let names: Vec<&str> = header.tensors.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["a", "none", "b"]);
    assert_eq!(header.metadata["format"], "pt");
    assert_eq!(read("{}", 0).unwrap().tensors, []);
}

#[test]
fn what_does_not_fit_is_refused() {
    let huge = u64::MAX / 2;
    let cases = [
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#.to_string(), 4),
        (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#.to_string(), 8),
        (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#.to_string(), 4),
        (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.to_string(), 5),
        (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.to_string(), 3),
        (r#"{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}"#.to_string(), 4),
        (r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#.to_string(), 4),
        (r#"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}"#.to_string(), 1),
        (format!(r#"{{"a":{{"dtype":"U8","shape":[{huge},8],"data_offsets":[0,0]}}}}"#), 0),
        (format!(r#"{{"a":{{"dtype":"U8","shape":[{huge}],"data_offsets":[{huge},18446744073709551615]}}}}"#), 0),
        (
            r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#.to_string(),
            2,
        ),
        ("[".repeat(100_000), 0),
        ("[]".to_string(), 0),
        (String::new(), 0),
    ];
    for (json, data) in cases {
        let e = read(&json, data).expect_err(&json).to_string();
        assert!(!e.contains('\n') && e.len() < 400, "{e}");
    }
    let claim = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    assert!(Header::read(&claim[..], 10).is_err());
    assert!(Header::read(&b"abc"[..], 3).is_err());
}

/// What the reference reader takes.
#[test]
fn what_the_reference_reader_takes_is_taken() {
    let plain = r#""a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#;
    let cases = [
        (format!(r#"{{"__metadata__":null,{plain}}}"#), 1),
        (format!(r#"{{"__metadata__":{{}},{plain}}}"#), 1),
        (
            format!(r#"{{"__metadata__":{{"a":"1","a":"2"}},{plain}}}"#),
            1,
        ),
        (format!("  {{{plain}}}\n\t "), 1),
        (
            r#"{"":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":[{}]}}"#.to_string(),
            1,
        ),
        (
            r#"{"\u00e4\n\u0000":{"data_offsets":[0,8],"shape":[],"dtype":"C64"}}"#.to_string(),
            8,
        ),
        (
            r#"{"a":{"dtype":"F4","shape":[3,2],"data_offsets":[0,3]}}"#.to_string(),
            3,
        ),
        (
            r#"{"a":{"dtype":"F6_E3M2","shape":[4],"data_offsets":[0,3]}}"#.to_string(),
            3,
        ),
        (
            r#"{"a":{"dtype":"F8_E8M0","shape":[3],"data_offsets":[0,3]}}"#.to_string(),
            3,
        ),
        (
            r#"{"a":{"dtype":"I64","shape":[2305843009213693952,0],"data_offsets":[0,0]}}"#
                .to_string(),
            0,
        ),
    ];
    for (json, data) in cases {
        let file = file(&json, data);
        let streamed = Header::stream(&file[..]).expect(&json);
        streamed.finish(&[][..]).unwrap();
        assert_eq!(
            Header::read(&file[..], file.len() as u64).expect(&json),
            streamed
        );
    }
}

/// Each refusal has the word for what is wrong.
#[test]
fn what_is_wrong_is_called_by_its_name() {
    let two = |a: &str, b: &str| {
        format!(
            r#"{{"a":{{"dtype":"U8","shape":[4],"data_offsets":{a}}},"b":{{"dtype":"U8","shape":[4],"data_offsets":{b}}}}}"#
        )
    };
    let one = r#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#;
    for (json, data, part) in [
        (
            two("[0,4]", "[2,6]"),
            6,
            "tensor `b` and tensor `a` overlap",
        ),
        (two("[0,4]", "[0,4]"), 4, "overlap"),
        (two("[0,4]", "[5,9]"), 9, "a hole between tensor `a`"),
        (two("[1,5]", "[5,9]"), 9, "a hole between the header"),
        (two("[0,4]", "[4,8]"), 9, "1 bytes follow them"),
        (two("[0,4]", "[4,8]"), 7, "is it cut short?"),
        (one.replace("[4]", "[5]"), 4, "takes 5 bytes"),
        (
            one.replace("{\"a\"", "{\"__metadata__\":{},\"__metadata__\":null,\"a\""),
            4,
            "duplicate field",
        ),
        (
            one.replace("{\"a\"", "{\"__metadata__\":{\"n\":1},\"a\""),
            4,
            "not sound",
        ),
        (one.replace("U8", "F99"), 4, "`F99`"),
        (one.replace("\"a\"", "\"\\ud800\""), 4, "not sound"),
        (one.replace("}}", "}}\0"), 4, "not sound"),
        (one.replace("[0,4]", "[0,4,4]"), 4, "not sound"),
        (one.replace("[0,4]", "[0.0,4.0]"), 4, "not sound"),
    ] {
        let e = read(&json, data).expect_err(&json).to_string();
        assert!(e.contains(part) && !e.contains('\n'), "{json}: {e}");
    }
    let long = file(one, 5);
    let header = Header::stream(&long[..]).unwrap();
    let e = header
        .finish(&long[long.len() - 1..])
        .unwrap_err()
        .to_string();
    assert!(e.contains("more bytes follow"), "{e}");
    let claim = [&100_000_001u64.to_le_bytes()[..], b"{}"].concat();
    let e = Header::stream(&claim[..]).unwrap_err().to_string();
    assert!(e.contains("the format allows 100000000"), "{e}");
    let e = Header::stream(&long[..20]).unwrap_err().to_string();
    assert!(e.contains("claims 53 bytes, in a file of 20"), "{e}");
}

proptest! {
    /// Any byte of a sound header may change: the answer is a header that tiles the file, or an error.
    #[test]
    fn mutated_headers_are_judged(at in 0usize..150, byte in any::<u8>()) {
        let mut file = file(
            r#"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"U8","shape":[3],"data_offsets":[16,19]}}"#,
            19,
        );
        let at = at % file.len();
        file[at] = byte;
        if let Ok(header) = Header::read(&file[..], file.len() as u64) {
            let bytes: u64 = header.tensors.iter().map(|t| t.bytes.end - t.bytes.start).sum();
            prop_assert!(bytes <= file.len() as u64);
        }
    }
}
