//! Products over chosen axes: contraction, Einstein's convention, Kronecker and cross products.

use lepton_tensor::{Error, Result, layout};

use crate::engine::apply::OrPanic;
use crate::engine::var::Var;
use crate::ops::shape::rearrange::index_of;

impl Var {
    /// The sum over products along the axes `a` of this variable and `b` of the other, pairwise;
    /// what is left of both stands side by side.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// // Over axis 1 of both: x times its transpose.
    /// assert_eq!(x.tensordot(&x, &[1], &[1]).to_vec::<f32>()?, [14.0, 32.0, 32.0, 77.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range or the sizes differ.
    #[track_caller]
    pub fn tensordot(&self, other: &Var, a: &[isize], b: &[isize]) -> Var {
        let at = |v: &Var, axes: &[isize]| -> Result<Vec<usize>> {
            let at = axes.iter().map(|&i| layout::axis("tensordot", i, v.rank()));
            at.collect()
        };
        assert!(
            a.len() == b.len(),
            "tensordot: {} axes on the left and {} on the right; give as many",
            a.len(),
            b.len()
        );
        let (a, b) = (at(self, a).or_panic(), at(other, b).or_panic());
        for (v, axes) in [(self, &a), (other, &b)] {
            let twice = (0..axes.len()).any(|i| axes[..i].contains(&axes[i]));
            assert!(
                !twice,
                "tensordot: {axes:?} names an axis of {:?} twice",
                v.shape()
            );
        }
        for (&i, &j) in a.iter().zip(&b) {
            let (m, n) = (self.shape()[i], other.shape()[j]);
            assert!(
                m == n || m == 1 || n == 1,
                "tensordot: axis {i} of {:?} and axis {j} of {:?} differ",
                self.shape(),
                other.shape()
            );
        }
        let free = |v: &Var, axes: &[usize]| -> Vec<usize> {
            (0..v.rank()).filter(|i| !axes.contains(i)).collect()
        };
        let (p, q) = (free(self, &a), free(other, &b));
        let sizes = |v: &Var, axes: &[usize]| -> Vec<usize> {
            axes.iter().map(|&i| v.shape()[i]).collect()
        };
        // An axis of size 1 meets any other: the other is summed first.
        let fold = |v: &Var, own: &[usize], w: &Var, theirs: &[usize]| -> Var {
            let alone = |(i, j): (&usize, &usize)| {
                (w.shape()[*j] == 1 && v.shape()[*i] != 1).then_some(*i as isize)
            };
            let gone: Vec<isize> = own.iter().zip(theirs).filter_map(alone).collect();
            match gone.is_empty() {
                true => v.clone(),
                false => v.sum(&gone).keep_axes(v, &gone),
            }
        };
        let (x, y) = (fold(self, &a, other, &b), fold(other, &b, self, &a));
        let (rows, inner, cols) = (sizes(&x, &p), sizes(&x, &a), sizes(&y, &q));
        let n = |s: &[usize]| s.iter().product::<usize>();
        let left = x.permute(&[&p[..], &a].concat());
        let right = y.permute(&[&b[..], &q].concat());
        left.reshape(&[n(&rows), n(&inner)])
            .matmul(&right.reshape(&[n(&inner), n(&cols)]))
            .reshape(&[rows, cols].concat())
    }

    /// The Kronecker product: every element of this variable times all of the other.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0], &[1, 2]);
    /// assert_eq!(x.kron(&Var::new(&[1.0f32, 10.0], &[1, 2])).to_vec::<f32>()?, [1.0, 10.0, 2.0, 20.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn kron(&self, other: &Var) -> Var {
        let rank = self.rank().max(other.rank());
        let full = |v: &Var| [&vec![1; rank - v.rank()], v.shape()].concat();
        let (s, t) = (full(self), full(other));
        let pairs = |first: bool| -> Vec<usize> {
            (0..rank)
                .flat_map(|i| if first { [s[i], 1] } else { [1, t[i]] })
                .collect()
        };
        let shape: Vec<usize> = s.iter().zip(&t).map(|(a, b)| a * b).collect();
        (self.reshape(&pairs(true)) * other.reshape(&pairs(false))).reshape(&shape)
    }

    /// The cross product along `axis`, which has size 3; the other axes broadcast.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 0.0, 0.0], &[3]).cross(&Var::new(&[0.0f32, 1.0, 0.0], &[3]), 0).to_vec::<f32>()?, [0.0, 0.0, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or has another size.
    #[track_caller]
    pub fn cross(&self, other: &Var, axis: isize) -> Var {
        let (x, y) = crate::ops::shape::reshape::broadcast("cross", self.clone(), other.clone());
        let a = x.axis("cross", axis);
        assert!(
            x.shape()[a] == 3,
            "cross: axis {axis} of {:?} does not have size 3",
            x.shape()
        );
        let turned = |v: &Var, by: isize| v.roll(-by, a as isize);
        turned(&x, 1) * turned(&y, 2) - turned(&x, 2) * turned(&y, 1)
    }

    /// The `p`-norms between all pairs of rows `i < j` of a matrix.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[0.0f32, 0.0, 3.0, 4.0, 0.0, 1.0], &[3, 2]);
    /// assert_eq!(x.pdist(1.0).to_vec::<f32>()?, [7.0, 1.0, 6.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there are not two axes.
    #[track_caller]
    pub fn pdist(&self, p: f64) -> Var {
        assert!(
            self.rank() == 2,
            "pdist: wants a matrix, got shape {:?}",
            self.shape()
        );
        let n = self.shape()[0];
        let pairs: Vec<(usize, usize)> = (0..n)
            .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
            .collect();
        let rows = |f: fn(&(usize, usize)) -> usize| {
            self.index_select(0, &index_of(&[pairs.len()], |k| f(&pairs[k]) as i64))
        };
        let gap = rows(|p| p.0) - rows(|p| p.1);
        if gap.numel() == 0 {
            return gap.sum(&[-1]);
        }
        gap.norm(p, &[-1])
    }

    /// Sums of products by Einstein's convention, such as `"ij,jk->ik"`, with `...` for the axes
    /// that an operand's letters leave over.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    /// assert_eq!(Var::einsum("ii->", &[x]).unwrap().item().unwrap(), 5.0);
    /// ```
    ///
    /// # Errors
    /// When the equation does not fit the operands.
    pub fn einsum(equation: &str, operands: &[Var]) -> Result<Var> {
        let plan = Plan::new(equation, operands)?;
        if unique(&plan.output).len() < plan.output.len() {
            return Err(Error::shape(format!(
                "einsum: the result of '{equation}' names a letter twice"
            )));
        }
        let mut terms = operands.iter().zip(&plan.inputs);
        let Some((first, letters)) = terms.next() else {
            return Err(Error::shape("einsum: there is no operand"));
        };
        let mut sum = plan.diagonal(first, letters)?;
        let mut have = unique(letters);
        for (i, (x, letters)) in terms.enumerate() {
            let x = plan.diagonal(x, letters)?;
            let theirs = unique(letters);
            // A letter that neither a later operand nor the result has is summed here.
            let later = plan.inputs[i + 2..].concat();
            let needed = |l: &usize| later.contains(l) || plan.output.contains(l);
            (sum, have) = product(&sum, &have, &x, &theirs, needed)?;
        }
        let gone: Vec<isize> = (0..have.len())
            .filter(|&i| !plan.output.contains(&have[i]))
            .map(|i| i as isize)
            .collect();
        if !gone.is_empty() {
            sum = sum.sum(&gone);
            have.retain(|l| plan.output.contains(l));
        }
        let order: Option<Vec<usize>> = plan
            .output
            .iter()
            .map(|l| have.iter().position(|h| h == l))
            .collect();
        match order {
            Some(order) => Ok(sum.permute(&order)),
            None => Err(Error::shape(format!(
                "einsum: '{equation}' asks for a letter that no operand has"
            ))),
        }
    }
}

fn unique(letters: &[usize]) -> Vec<usize> {
    let mut out = Vec::new();
    letters.iter().for_each(|l| {
        if !out.contains(l) {
            out.push(*l);
        }
    });
    out
}

/// The product of two labelled variables, summed over the labels of both that nobody needs: a
/// batched matrix product.
fn product(
    x: &Var,
    a: &[usize],
    y: &Var,
    b: &[usize],
    needed: impl Fn(&usize) -> bool,
) -> Result<(Var, Vec<usize>)> {
    let both = |l: &&usize| b.contains(l);
    let batch: Vec<usize> = a
        .iter()
        .filter(both)
        .filter(|l| needed(l))
        .copied()
        .collect();
    let inner: Vec<usize> = a
        .iter()
        .filter(both)
        .filter(|l| !needed(l))
        .copied()
        .collect();
    let rows: Vec<usize> = a.iter().filter(|l| !b.contains(l)).copied().collect();
    let cols: Vec<usize> = b.iter().filter(|l| !a.contains(l)).copied().collect();
    // Sizes of 1 stretch to the other's.
    let size = |l: &usize| {
        let of = |v: &Var, s: &[usize]| s.iter().position(|m| m == l).map_or(1, |i| v.shape()[i]);
        let (p, q) = (of(x, a), of(y, b));
        if p == 1 { q } else { p }
    };
    let stretch = |v: &Var, s: &[usize], groups: [&[usize]; 3]| -> Result<Var> {
        let shape: Vec<usize> = s.iter().map(size).collect();
        if v.shape()
            .iter()
            .zip(&shape)
            .any(|(&d, &t)| d != t && d != 1)
        {
            return Err(Error::shape(format!(
                "einsum: one letter stands for sizes of {:?} and {:?} that differ",
                x.shape(),
                y.shape()
            )));
        }
        let order: Vec<usize> = groups
            .concat()
            .iter()
            .filter_map(|l| s.iter().position(|m| m == l))
            .collect();
        let sizes = groups.map(|g| g.iter().map(size).product::<usize>());
        Ok(v.expand(&shape).permute(&order).reshape(&sizes))
    };
    let left = stretch(x, a, [&batch, &rows, &inner])?;
    let right = stretch(y, b, [&batch, &inner, &cols])?;
    let labels = [batch, rows, cols].concat();
    let shape: Vec<usize> = labels.iter().map(size).collect();
    Ok((left.matmul(&right).reshape(&shape), labels))
}

/// An equation as numbers: letters by their code, axes of `...` from the end by numbers above.
struct Plan {
    inputs: Vec<Vec<usize>>,
    output: Vec<usize>,
}

/// Labels of the axes that `...` stands for begin here.
const REST: usize = 1 << 24;

impl Plan {
    fn new(equation: &str, operands: &[Var]) -> Result<Plan> {
        let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
        let (left, right) = match equation.split_once("->") {
            Some((l, r)) => (l, Some(r)),
            None => (&equation[..], None),
        };
        let terms: Vec<&str> = left.split(',').collect();
        if terms.len() != operands.len() {
            return Err(Error::shape(format!(
                "einsum: '{equation}' has {} terms for {} operands",
                terms.len(),
                operands.len()
            )));
        }
        let mut inputs = Vec::new();
        for (term, x) in terms.iter().zip(operands) {
            let letters = term.replace("...", "").chars().count();
            let rest = x
                .rank()
                .checked_sub(letters)
                .filter(|&r| r == 0 || term.contains("..."));
            let rest = rest.ok_or_else(|| {
                Error::shape(format!(
                    "einsum: '{term}' does not fit an operand of shape {:?}",
                    x.shape()
                ))
            })?;
            inputs.push(labels(term, rest)?);
        }
        let all = inputs.concat();
        let rest = all
            .iter()
            .filter(|&&l| l >= REST)
            .map(|l| l - REST + 1)
            .max()
            .unwrap_or(0);
        let output = match right {
            Some(r) => labels(r, rest)?,
            None => {
                // Every letter that stands once, in the order of the alphabet, behind the rest.
                let mut once: Vec<usize> = all
                    .iter()
                    .filter(|l| **l < REST && all.iter().filter(|m| m == l).count() == 1)
                    .copied()
                    .collect();
                once.sort_unstable();
                [labels("...", rest)?, once].concat()
            }
        };
        Ok(Plan { inputs, output })
    }

    /// `x` with a repeated letter's axes replaced by their diagonal.
    fn diagonal(&self, x: &Var, letters: &[usize]) -> Result<Var> {
        let (mut x, mut letters) = (x.clone(), letters.to_vec());
        let found =
            |l: &[usize]| (0..l.len()).find_map(|j| (0..j).find(|&i| l[i] == l[j]).map(|i| (i, j)));
        while let Some((i, j)) = found(&letters) {
            if x.shape()[i] != x.shape()[j] {
                return Err(Error::shape(format!(
                    "einsum: a repeated letter stands for axes {i} and {j} of {:?}, which differ",
                    x.shape()
                )));
            }
            x = x
                .diagonal(0, i as isize, j as isize)
                .move_axes(&[-1], &[i as isize]);
            letters.remove(j);
        }
        Ok(x)
    }
}

/// The labels of one term, of which `...` stands for `rest` axes.
fn labels(term: &str, rest: usize) -> Result<Vec<usize>> {
    let spread: Vec<usize> = (0..rest).rev().map(|i| REST + i).collect();
    let letters = |s: &str| -> Result<Vec<usize>> {
        s.chars()
            .map(|c| match c.is_ascii_alphabetic() {
                true => Ok(c as usize),
                false => Err(Error::format(format!(
                    "einsum: '{c}' in '{term}' is no letter"
                ))),
            })
            .collect()
    };
    Ok(match term.split_once("...") {
        Some((a, b)) => [letters(a)?, spread, letters(b)?].concat(),
        None => letters(term)?,
    })
}
