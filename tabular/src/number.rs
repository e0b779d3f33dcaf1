//! Numbers as files write them: with a decimal comma, thousands apart, a currency, a percent sign, a unit.

use lepton_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

/// The sign between the whole part of a number and its fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decimal {
    /// `3.5`, where `1,037` is a little over a thousand.
    #[default]
    #[serde(rename = ".")]
    Point,
    /// `3,5`, where `1.037` is a little over a thousand.
    #[serde(rename = ",")]
    Comma,
}

impl Decimal {
    /// The other sign.
    pub(crate) fn other(self) -> Decimal {
        match self {
            Decimal::Point => Decimal::Comma,
            Decimal::Comma => Decimal::Point,
        }
    }

    /// The sign itself.
    pub fn sign(self) -> char {
        match self {
            Decimal::Point => '.',
            Decimal::Comma => ',',
        }
    }
}

impl std::str::FromStr for Decimal {
    type Err = Error;

    fn from_str(sign: &str) -> Result<Decimal> {
        match sign {
            "." => Ok(Decimal::Point),
            "," => Ok(Decimal::Comma),
            _ => Err(Error::value(format!(
                "the decimal sign must be `.` or `,`, got `{sign}`"
            ))),
        }
    }
}

/// A number and how it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Written<'a> {
    pub(crate) value: f64,
    /// What stands beside the digits: a percent sign, a currency or a unit; empty for most numbers.
    pub(crate) unit: &'a str,
    /// Whether its thousands stand apart.
    pub(crate) grouped: bool,
}

/// The number that `cell`, without blanks around it, writes; `None` when it is none.
pub(crate) fn parse(cell: &str, decimal: Decimal) -> Option<Written<'_>> {
    if decimal == Decimal::Point
        && let Ok(value) = cell.parse::<f64>()
    {
        let (unit, grouped) = ("", false);
        return (!value.is_nan()).then_some(Written {
            value,
            unit,
            grouped,
        });
    }
    if !cell.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let (minus, rest) = sign(cell);
    let (before, rest) = currency(rest);
    let (minus, rest) = match (minus, sign(rest)) {
        (None, after) => after,
        (minus, (None, rest)) => (minus, rest),
        _ => return None,
    };
    let (digits, after) = rest.split_at(length(rest));
    let after = after.trim_start();
    let unit = match (before, after) {
        (unit, "") => unit,
        ("", unit) if is_unit(unit) => unit,
        _ => return None,
    };
    let (value, grouped) = unsigned(digits, decimal)?;
    let value = if minus == Some(true) { -value } else { value };
    Some(Written {
        value,
        unit,
        grouped,
    })
}

/// A truth value: `true` or `false` in some case.
pub(crate) fn truth(cell: &str) -> Option<bool> {
    let is = |word: &str| cell.eq_ignore_ascii_case(word);
    is("true").then_some(true).or(is("false").then_some(false))
}

/// A cell as a message shows it.
pub(crate) fn shown(cell: &str) -> String {
    const MOST: usize = 40;
    let cut = cell.char_indices().nth(MOST);
    let (start, more) = cut.map_or((cell, ""), |(i, _)| (&cell[..i], "…"));
    format!("{}{more}", start.escape_debug())
}

/// Why `cell` is no number of a column whose numbers carry `unit`: `because` goes on behind "is not a
/// number", and `text` is the column's name where it may be read as text instead.
pub(crate) fn refuse(
    cell: &str,
    decimal: Decimal,
    unit: &str,
    because: &str,
    text: Option<&str>,
) -> Error {
    let (it, other) = (shown(cell), decimal.other());
    let text = text.map(|name| format!("`--categorical {name}` if the column is text"));
    let remedies = |first: String| -> String {
        let all: Vec<String> = [first].into_iter().chain(text.clone()).collect();
        all.join(", or ")
    };
    Error::format(match parse(cell, decimal) {
        Some(written) => {
            let others = match unit {
                "" => "the other numbers carry none".to_string(),
                unit => format!("the other numbers carry `{unit}`"),
            };
            let one = remedies("write all in one unit and leave it out".into());
            format!("`{it}` carries `{}`, but {others}; {one}", written.unit)
        }
        None if parse(cell, other).is_some() => {
            let sign = other.sign();
            let one = remedies(format!(
                "say `--decimal {sign}` if its `{sign}` is the decimal sign"
            ));
            format!("`{it}` is not a number{because}; {one}")
        }
        None => {
            let strange = |c: char| c.is_control() || c == ',' || c == '\'';
            let one = remedies(
                match cell.chars().count() <= 20 && !cell.contains(strange) {
                    true => format!(
                        "correct the cell, leave it empty, say `--missing '{cell}'` if it means no value"
                    ),
                    false => "correct the cell, leave it empty".to_string(),
                },
            );
            format!("`{it}` is not a number{because}; {one}")
        }
    })
}

/// Why a number that no f32 holds is refused.
pub(crate) fn too_large(x: f64) -> String {
    match x.is_infinite() {
        true => format!("{x} is not a finite number"),
        false => format!(
            "{x:e} is beyond what the model's 32-bit numbers hold; correct the cell, or leave it empty"
        ),
    }
}

/// Whether a minus or a plus is in front, and what follows it.
fn sign(text: &str) -> (Option<bool>, &str) {
    // U+2212 is the minus of typesetters, which word processors and web pages write.
    let minus = |c| matches!(c, '-' | '\u{2212}');
    match text.chars().next() {
        Some(c) if minus(c) || c == '+' => (Some(minus(c)), text[c.len_utf8()..].trim_start()),
        _ => (None, text),
    }
}

/// Currencies that are written as words in front of a number.
const CODES: [&str; 18] = [
    "USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "AUD", "CAD", "SEK", "NOK", "DKK", "PLN",
    "BRL", "ZAR", "KRW", "MXN", "US$",
];

/// The currency in front, and what follows it.
fn currency(text: &str) -> (&str, &str) {
    let code = CODES.iter().find(|code| text.starts_with(**code));
    let symbol = text.chars().next().filter(|&c| is_currency(c));
    let length = code.map_or(symbol.map_or(0, char::len_utf8), |code| code.len());
    (&text[..length], text[length..].trim_start())
}

/// The currency symbols of Unicode (category Sc) that stand in files.
fn is_currency(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | '\u{20A0}'..='\u{20CF}' | '\u{E3F}' | '＄' | '￡' | '￥')
}

/// How much of `text` is a number: digits, the signs between them, an exponent.
fn length(text: &str) -> usize {
    let mut rest = text;
    loop {
        let mut chars = rest.chars();
        let (Some(c), next) = (chars.next(), chars.next()) else {
            break;
        };
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let taken = match c {
            '0'..='9' => 1,
            '.' | ',' => 1,
            'e' | 'E' if digit(next) => 2,
            'e' | 'E' if matches!(next, Some('+' | '-')) && digit(chars.next()) => 3,
            c if is_group(c) && digit(next) => c.len_utf8(),
            _ => break,
        };
        rest = &rest[taken..];
    }
    text.len() - rest.len()
}

/// The signs that set thousands apart, beside the comma or the point.
fn is_group(c: char) -> bool {
    matches!(
        c,
        ' ' | '\'' | '’' | '_' | '\u{A0}' | '\u{202F}' | '\u{2009}'
    )
}

/// `%`, `kg`, `km/h`, `°C`, `m²`, `€`: one short word that is no number.
fn is_unit(text: &str) -> bool {
    let letter = |c: char| c.is_alphabetic() || is_currency(c) || "%‰°µ".contains(c);
    let inside = |c: char| letter(c) || "/·²³23".contains(c);
    text.starts_with(letter) && text.chars().all(inside) && text.chars().count() <= 12
}

/// A number without sign, and whether its thousands stand apart.
fn unsigned(text: &str, decimal: Decimal) -> Option<(f64, bool)> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(i) => text.split_at(i),
        None => (text, ""),
    };
    let (whole, fraction) = mantissa
        .split_once(decimal.sign())
        .unwrap_or((mantissa, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let grouped = !digits(whole);
    let whole: String = match grouped {
        true => thousands(whole, decimal)?,
        false => whole.to_string(),
    };
    let value = format!("{whole}.{fraction}{exponent}").parse().ok()?;
    Some((value, grouped))
}

/// The digits of `1,037` or `2 000 000`: groups of three behind one that does not begin with 0.
fn thousands(whole: &str, decimal: Decimal) -> Option<String> {
    let other = decimal.other().sign();
    let between = whole.chars().find(|c| !c.is_ascii_digit())?;
    if between != other && !is_group(between) {
        return None;
    }
    let mut groups = whole.split(between);
    let first = groups.next()?;
    let sound = (1..=3).contains(&first.len()) && !first.starts_with('0');
    let three = |g: &str| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit());
    (sound && groups.all(three)).then(|| whole.replace(between, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cell: &str) -> Option<(f64, &str, bool)> {
        parse(cell, Decimal::Point).map(|w| (w.value, w.unit, w.grouped))
    }

    #[test]
    fn numbers_in_disguise_are_numbers() {
        for (cell, value, unit, grouped) in [
            ("5", 5.0, "", false),
            ("-1e-3", -1e-3, "", false),
            ("5%", 5.0, "%", false),
            ("5.5 %", 5.5, "%", false),
            ("$5", 5.0, "$", false),
            ("-$5.25", -5.25, "$", false),
            ("$-5.25", -5.25, "$", false),
            ("€ 1,037.5", 1037.5, "€", true),
            ("5€", 5.0, "€", false),
            ("CHF 1'200", 1200.0, "CHF", true),
            ("5 EUR", 5.0, "EUR", false),
            ("\u{2212}3", -3.0, "", false),
            ("1,037", 1037.0, "", true),
            ("-2,000,000.25", -2_000_000.25, "", true),
            ("1\u{202F}037", 1037.0, "", true),
            ("5 kg", 5.0, "kg", false),
            ("5kg", 5.0, "kg", false),
            ("-3.5 °C", -3.5, "°C", false),
            ("12 km/h", 12.0, "km/h", false),
            ("12 m2", 12.0, "m2", false),
            ("1e3 m", 1000.0, "m", false),
        ] {
            assert_eq!(read(cell), Some((value, unit, grouped)), "{cell}");
        }
    }

    #[test]
    fn words_dates_and_codes_are_none() {
        for cell in [
            "",
            "x",
            "?",
            "-",
            "nan",
            "NaN",
            "3,5",
            "0,037",
            "1,03",
            "1,0375",
            "12,34,567",
            "1.2.3",
            "2020-01-05",
            "12:30",
            "1/2",
            "5 kg net",
            "$5 kg",
            "--5",
            "-$-5",
            "kg",
            "%",
            "room 5",
            "A5",
            "3 4",
            "10x20",
            "12A7",
            "é",
            "$",
            "5..",
            ",",
            ".",
        ] {
            assert_eq!(read(cell), None, "{cell}");
        }
    }

    #[test]
    fn a_decimal_comma_swaps_the_signs() {
        let read = |cell| parse(cell, Decimal::Comma).map(|w| (w.value, w.grouped));
        assert_eq!(read("3,5"), Some((3.5, false)));
        assert_eq!(read("1.037,5"), Some((1037.5, true)));
        assert_eq!(read("-7"), Some((-7.0, false)));
        assert_eq!(read("1e-3"), Some((1e-3, false)));
        assert_eq!(read("3.5"), None);
        assert!(";".parse::<Decimal>().is_err());
    }

    proptest::proptest! {
        /// Any text is judged, and what a program writes comes back to the bit.
        #[test]
        fn any_text_is_judged(
            text in "[0-9.,'+\u{2212}eE$€%kg \u{A0}é-]{0,12}",
            x in proptest::num::f64::NORMAL,
        ) {
            parse(text.trim(), Decimal::Point);
            parse(text.trim(), Decimal::Comma);
            let point = x.to_string();
            proptest::prop_assert_eq!(parse(&point, Decimal::Point).map(|w| w.value), Some(x));
            let comma = parse(&point.replace('.', ","), Decimal::Comma).map(|w| w.value);
            proptest::prop_assert_eq!(comma, Some(x));
        }
    }
}
