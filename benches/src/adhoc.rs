//! Cases spelt by their sizes, such as `gemm:64x784x256`.

use lepton_autograd::DType;

use crate::Case;
use crate::cases::{
    Conv, OPS, Product, above_zero, conv, elementwise, infer, perceptron, product, softmax,
};

/// How they are spelt.
pub(crate) const FORMS: [&str; 9] = [
    "gemm:MxKxN",
    "gemm_f64:MxKxN",
    "conv:N,C,H,W,K,R,stride,pad,groups",
    "mlp:784-512-10@64",
    "ew:OP@N",
    "softmax:RxC",
    "infer:6-64-8-4",
    "gemm_nt:MxKxN",
    "gemm_tn:MxKxN",
];

/// The most elements of one tensor: 8 GiB of f32.
const LARGEST: usize = 1 << 31;

/// The case that `name` spells; `None` when it has the form of no ad-hoc case.
pub(crate) fn read(name: &str) -> Option<Result<Case, String>> {
    let (kind, rest) = name.split_once(':')?;
    Some(match kind {
        "gemm" => gemm(name, rest, FORMS[0], |p| p),
        "gemm_f64" => gemm(name, rest, FORMS[1], |p| Product {
            dtype: DType::F64,
            ..p
        }),
        "gemm_nt" => gemm(name, rest, FORMS[7], |p| Product { nt: true, ..p }),
        "gemm_tn" => gemm(name, rest, FORMS[8], |p| Product { tn: true, ..p }),
        "conv" => convolution(name, rest),
        "mlp" => mlp(name, rest),
        "infer" => layers(name, rest, 1, FORMS[6]).map(|sizes| infer(name, &sizes)),
        "ew" => ew(name, rest),
        "softmax" => sizes::<2>(name, rest, 'x', FORMS[5])
            .and_then(|[r, c]| fits(name, &[&[r, c]]).map(|()| softmax(name, r, c))),
        _ => return None,
    })
}

fn gemm(name: &str, rest: &str, form: &str, with: fn(Product) -> Product) -> Result<Case, String> {
    let [m, k, n] = sizes(name, rest, 'x', form)?;
    fits(name, &[&[m, k], &[k, n], &[m, n]])?;
    Ok(product(name, with(Product::new(m, k, n))))
}

fn convolution(name: &str, rest: &str) -> Result<Case, String> {
    let numbers: Vec<usize> = split(name, rest, ',', FORMS[2])?;
    let [n, c, h, w, k, r, stride, pad, groups] = numbers[..] else {
        return Err(misspelt(name, FORMS[2]));
    };
    let zero = [n, c, h, w, k, r, stride, groups].contains(&0);
    if zero || c % groups != 0 || k % groups != 0 {
        return Err(format!(
            "case '{name}': sizes must be at least 1 and the groups divide C and K"
        ));
    }
    let padded = |d: usize| pad.checked_mul(2).and_then(|p| p.checked_add(d));
    let holds = |d: usize| padded(d).is_some_and(|d| d >= r);
    if !(holds(h) && holds(w)) {
        return Err(format!(
            "case '{name}': a kernel of {r}x{r} does not fit an image of {h}x{w} with padding {pad}"
        ));
    }
    let shape = Conv {
        n,
        c,
        h,
        w,
        k,
        r,
        stride,
        pad,
        groups,
    };
    let [oh, ow] = shape.output();
    fits(
        name,
        &[&[n, c, h, w], &[k, c / groups, r, r], &[n, k, oh, ow]],
    )?;
    Ok(conv(name, shape))
}

fn mlp(name: &str, rest: &str) -> Result<Case, String> {
    let (layers, batch) = rest
        .split_once('@')
        .ok_or_else(|| misspelt(name, FORMS[3]))?;
    let [batch] = sizes(name, batch, 'x', FORMS[3])?;
    let layers = self::layers(name, layers, batch, FORMS[3])?;
    Ok(perceptron(name, &layers, batch))
}

/// Sizes of a perceptron's layers.
fn layers(name: &str, text: &str, batch: usize, form: &str) -> Result<Vec<usize>, String> {
    let layers: Vec<usize> = split(name, text, '-', form)?;
    if layers.len() < 2 || layers.contains(&0) {
        return Err(format!(
            "case '{name}': wants at least an input and an output size, each at least 1"
        ));
    }
    for pair in layers.windows(2) {
        fits(name, &[pair, &[batch, pair[0]], &[batch, pair[1]]])?;
    }
    Ok(layers)
}

fn ew(name: &str, rest: &str) -> Result<Case, String> {
    let (op, n) = rest
        .split_once('@')
        .ok_or_else(|| misspelt(name, FORMS[4]))?;
    let [n] = sizes(name, n, 'x', FORMS[4])?;
    fits(name, &[&[n]])?;
    let known = || OPS.map(|o| o.name).join(", ");
    let op = OPS.iter().find(|o| o.name == op);
    let op = op.ok_or_else(|| format!("case '{name}': unknown op; known: {}", known()))?;
    Ok(elementwise(name, op, n, above_zero))
}

/// `N` sizes, each at least 1.
fn sizes<const N: usize>(
    name: &str,
    text: &str,
    between: char,
    form: &str,
) -> Result<[usize; N], String> {
    let numbers = split(name, text, between, form)?;
    let numbers: [usize; N] = numbers.try_into().map_err(|_| misspelt(name, form))?;
    if numbers.contains(&0) {
        return Err(format!("case '{name}': sizes must be at least 1"));
    }
    Ok(numbers)
}

fn split(name: &str, text: &str, between: char, form: &str) -> Result<Vec<usize>, String> {
    let number = |s: &str| s.parse().map_err(|_| misspelt(name, form));
    text.split(between).map(number).collect()
}

fn misspelt(name: &str, form: &str) -> String {
    format!("case '{name}': wants the form {form}, in whole numbers")
}

/// Refuses tensors that no benchmark needs and no machine here holds.
fn fits(name: &str, shapes: &[&[usize]]) -> Result<(), String> {
    for shape in shapes {
        if !lepton_tensor::numel(shape).is_ok_and(|n| n <= LARGEST) {
            return Err(format!(
                "case '{name}': a tensor of shape {shape:?} is larger than the {LARGEST} elements allowed here"
            ));
        }
    }
    Ok(())
}
