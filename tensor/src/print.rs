//! Printing as NumPy does: brackets by axis, columns aligned, long axes cut in the middle.

use std::fmt;

use crate::{DType, Tensor};

/// Axes longer than this show their first and last [`EDGE`] items.
const LONG: usize = 6;
/// Items shown on each side of the cut, in tensors of over [`MANY`] elements.
const EDGE: usize = 3;
/// From here on long axes are cut.
const MANY: usize = 1000;

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_meta() {
            return write!(f, "meta {:?} {}", self.shape(), self.dtype());
        }
        let cut = self.numel() > MANY;
        let shown = if cut { edges(self) } else { self.clone() };
        let cells = cells(&shown);
        let width = cells.iter().map(String::len).max().unwrap_or(0);
        block(
            f,
            self.shape(),
            cut,
            &mut cells.iter().map(String::as_str),
            width,
            1,
        )
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Tensor({self}, shape={:?}, dtype={})",
            self.shape(),
            self.dtype()
        )
    }
}

/// The corner items of every long axis, which is all that a cut printing shows.
fn edges(x: &Tensor) -> Tensor {
    let mut out = x.clone();
    for axis in 0..x.rank() {
        let n = out.shape()[axis];
        if n > LONG {
            let part = |start| out.slice(axis, start, EDGE, 1).expect("inside the axis");
            out = crate::ops::cat(&[part(0), part(n - EDGE)], axis);
        }
    }
    out
}

/// One text per element: floats share a format, as in NumPy.
fn cells(x: &Tensor) -> Vec<String> {
    let values = x.to_f64();
    match x.dtype() {
        DType::Bool => values
            .iter()
            .map(|&v| if v != 0.0 { "True" } else { "False" }.to_owned())
            .collect(),
        DType::F32 | DType::F64 => floats(&values),
        // Not through f64, which has no room for the last digits of an i64.
        _ => {
            let whole = crate::ops::cast(x, DType::I64).to_vec::<i64>();
            let whole = whole.expect("cast to i64");
            whole.iter().map(i64::to_string).collect()
        }
    }
}

/// Floats in one format: plain where few digits show them, else scientific.
fn floats(values: &[f64]) -> Vec<String> {
    let finite: Vec<f64> = values
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .map(f64::abs)
        .collect();
    let high = finite.iter().copied().fold(0.0, f64::max);
    let low = finite
        .iter()
        .copied()
        .filter(|&v| v > 0.0)
        .fold(f64::INFINITY, f64::min);
    let scientific =
        high >= 1e8 || (low < 1e-4 && low.is_finite()) || high / low > 1e3 && low < 1e-2;
    let text = |v: f64, digits: usize| match v {
        v if v.is_nan() => "nan".to_owned(),
        v if v.is_infinite() => if v > 0.0 { "inf" } else { "-inf" }.to_owned(),
        v if scientific => format!("{v:.4e}"),
        v => format!("{v:.digits$}"),
    };
    // The fewest digits, up to four, that show every value to four places.
    let exact = |d: usize| {
        finite.iter().all(|v| {
            (v * 10f64.powi(d as i32)).round() / 10f64.powi(d as i32) == (v * 1e4).round() / 1e4
        })
    };
    let digits = (0..4).find(|&d| exact(d)).unwrap_or(4);
    let mut out: Vec<String> = values.iter().map(|&v| text(v, digits)).collect();
    if digits == 0 && !scientific {
        out.iter_mut()
            .zip(values)
            .filter(|(_, v)| v.is_finite())
            .for_each(|(s, _)| s.push('.'));
    }
    out
}

/// An axis in brackets, and those inside it.
fn block(
    f: &mut fmt::Formatter<'_>,
    shape: &[usize],
    cut: bool,
    cells: &mut dyn Iterator<Item = &str>,
    width: usize,
    depth: usize,
) -> fmt::Result {
    let Some((&n, inner)) = shape.split_first() else {
        return write!(f, "{:>width$}", cells.next().unwrap_or_default());
    };
    f.write_str("[")?;
    let cut_here = cut && n > LONG;
    let shown = if cut_here { 2 * EDGE } else { n };
    for i in 0..shown {
        if i > 0 {
            separator(f, inner.len(), depth)?;
        }
        if cut_here && i == EDGE {
            f.write_str("...")?;
            separator(f, inner.len(), depth)?;
        }
        block(f, inner, cut, cells, width, depth + 1)?;
    }
    f.write_str("]")
}

/// `, ` inside a row; line breaks, one per axis below, and the indent between rows.
fn separator(f: &mut fmt::Formatter<'_>, below: usize, depth: usize) -> fmt::Result {
    if below == 0 {
        return f.write_str(", ");
    }
    write!(f, ",{}{:depth$}", "\n".repeat(below), "")
}

#[cfg(test)]
mod tests {
    use crate::Tensor;

    fn check(x: &Tensor, want: &str) {
        assert_eq!(x.to_string(), want);
    }

    #[test]
    fn rows_align_and_axes_nest() {
        let x = Tensor::from_vec(vec![1.0f32, -2.5, 3.25, 10.0], &[2, 2]).expect("fits");
        check(&x, "[[ 1.00, -2.50],\n [ 3.25, 10.00]]");
        check(&Tensor::scalar(true), "True");
        check(
            &Tensor::from_vec(vec![1i64, 20, 300], &[3]).expect("fits"),
            "[  1,  20, 300]",
        );
        check(
            &Tensor::from_vec(vec![0f64, f64::NAN], &[2]).expect("fits"),
            "[ 0., nan]",
        );
        check(
            &Tensor::from_vec(Vec::<f32>::new(), &[0]).expect("fits"),
            "[]",
        );
    }

    #[test]
    fn long_axes_are_cut() {
        let x = Tensor::from_vec((0..2000i64).collect(), &[2000]).expect("fits");
        check(&x, "[   0,    1,    2, ..., 1997, 1998, 1999]");
    }
}
