//! What a file is that is given for a table and is none, by its first bytes.

use lepton_tensor::Error;

use crate::foreign::{Foreign, SAVE, TABLE, foreign};

/// First bytes, in any case, of texts that are no CSV, and what they are.
const TEXTS: [(&str, &str); 9] = [
    ("<!doctype", "a web page"),
    ("<html", "a web page"),
    ("<?xml", "an XML document"),
    ("@relation", "an ARFF file"),
    ("{\"", "JSON"),
    ("{\n", "JSON"),
    ("[{", "JSON"),
    ("[\n", "JSON"),
    ("%pdf-", "a PDF document"),
];

/// Why a file that starts with `head` is no table and what to do, when its kind is known.
pub(crate) fn refusal(head: &[u8]) -> Option<Error> {
    if is_utf16(head) {
        return Some(Error::format(
            "the file is UTF-16; save it as UTF-8 (\"CSV UTF-8\" in a spreadsheet)",
        ));
    }
    let starts = |text: &str| {
        let head = head.get(..text.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(text.as_bytes()))
    };
    let text = TEXTS.into_iter().find(|(text, _)| starts(text));
    let tensors = head.get(8) == Some(&b'{') && head[..8].contains(&0);
    let Foreign { kind, hint } = match (text, tensors) {
        (Some((_, kind)), _) => Foreign { kind, hint: TABLE },
        (None, true) => Foreign {
            kind: "a safetensors file",
            hint: TABLE,
        },
        (None, false) => foreign(head)?,
    };
    let hint = if hint == SAVE || hint.is_empty() {
        TABLE
    } else {
        hint
    };
    Some(Error::format(format!(
        "the file is {kind}, no table of text; {hint}"
    )))
}

/// With its mark, or without it by the zeros that every letter of English brings.
fn is_utf16(head: &[u8]) -> bool {
    let zero = |i: usize| head[i] == 0;
    match head {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => true,
        [_, _, _, _, ..] => zero(0) != zero(1) && zero(0) == zero(2) && zero(1) == zero(3),
        _ => false,
    }
}
