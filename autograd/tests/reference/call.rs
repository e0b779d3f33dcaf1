//! A call as a case states it: positional and named arguments, tensors by key.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use lepton_autograd::{DType, Device, Var};
use serde_json::Value;

use crate::report::{Stop, lacks, wrong};

/// The variables of a case by the key of their tensor.
pub(crate) type Inputs = BTreeMap<String, Var>;

/// What a call gives.
pub(crate) type Out = Result<Vec<Var>, Stop>;

/// One value among arguments.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Null,
    Flag(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Tensor(String),
    DType(String),
    Slice([Option<i64>; 3]),
    Ellipsis,
    List(Vec<Arg>),
}

impl Arg {
    /// The argument that JSON stands for.
    pub(crate) fn parse(v: &Value) -> Result<Arg, Stop> {
        Ok(match v {
            Value::Null => Arg::Null,
            Value::Bool(b) => Arg::Flag(*b),
            Value::Number(n) => match n.as_i64() {
                Some(i) => Arg::Int(i),
                None => Arg::Float(n.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(s) => Arg::Text(s.clone()),
            Value::Array(all) => Arg::List(all.iter().map(Arg::parse).collect::<Result<_, _>>()?),
            Value::Object(o) if o.len() == 1 => {
                let (key, v) = o.iter().next().expect("one entry");
                Arg::tagged(key, v)?
            }
            Value::Object(_) => return lacks(format!("an argument like {v}")),
        })
    }

    fn tagged(tag: &str, v: &Value) -> Result<Arg, Stop> {
        let text = v.as_str().unwrap_or_default();
        Ok(match tag {
            "t" => Arg::Tensor(text.to_owned()),
            "dtype" => Arg::DType(text.to_owned()),
            "ellipsis" => Arg::Ellipsis,
            "f" => Arg::Float(match text {
                "inf" => f64::INFINITY,
                "-inf" => f64::NEG_INFINITY,
                "nan" => f64::NAN,
                _ => return lacks(format!("the number {v}")),
            }),
            "slice" => match v.as_array().map(Vec::as_slice) {
                Some([a, b, c]) => Arg::Slice([a.as_i64(), b.as_i64(), c.as_i64()]),
                _ => return lacks(format!("the slice {v}")),
            },
            _ => return lacks(format!("an argument tagged '{tag}'")),
        })
    }

    /// Keys of all tensors inside, in order.
    pub(crate) fn keys<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Arg::Tensor(key) => into.push(key),
            Arg::List(all) => all.iter().for_each(|a| a.keys(into)),
            _ => {}
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Arg::Int(i) => Some(*i as f64),
            Arg::Float(f) => Some(*f),
            _ => None,
        }
    }

    pub(crate) fn int(&self) -> Option<i64> {
        if let Arg::Int(i) = self {
            Some(*i)
        } else {
            None
        }
    }
}

/// The arguments of one evaluation, with a memory of which have been asked for.
pub(crate) struct Call<'a> {
    /// The function, without its namespace and variant.
    pub(crate) op: &'a str,
    args: &'a [Arg],
    kwargs: &'a BTreeMap<String, Arg>,
    inputs: &'a Inputs,
    used: RefCell<BTreeSet<String>>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        op: &'a str,
        args: &'a [Arg],
        kwargs: &'a BTreeMap<String, Arg>,
        inputs: &'a Inputs,
    ) -> Call<'a> {
        Call {
            op,
            args,
            kwargs,
            inputs,
            used: RefCell::default(),
        }
    }

    /// An argument that nobody asked for would be ignored: the case is not understood.
    pub(crate) fn finish(&self) -> Result<(), Stop> {
        let used = self.used.borrow();
        let places = (0..self.args.len()).map(|i| i.to_string());
        match places
            .chain(self.kwargs.keys().cloned())
            .find(|k| !used.contains(k))
        {
            Some(k) => lacks(format!("argument {k} of {}", self.op)),
            None => Ok(()),
        }
    }

    /// The number of positional arguments.
    pub(crate) fn len(&self) -> usize {
        self.args.len()
    }

    /// The argument at place `at` or called `name`; null counts as absent.
    pub(crate) fn arg(&self, at: usize, name: &str) -> Option<&'a Arg> {
        let found = match self.args.get(at) {
            Some(a) => {
                self.used.borrow_mut().insert(at.to_string());
                Some(a)
            }
            None => {
                self.used.borrow_mut().insert(name.to_owned());
                self.kwargs.get(name)
            }
        };
        found.filter(|a| !matches!(a, Arg::Null))
    }

    /// Says that `name` makes no difference to the result.
    pub(crate) fn ignore(&self, name: &str) {
        self.used.borrow_mut().insert(name.to_owned());
    }

    fn read<T>(
        &self,
        at: usize,
        name: &str,
        kind: &str,
        f: impl Fn(&Arg) -> Option<T>,
    ) -> Result<Option<T>, Stop> {
        match self.arg(at, name) {
            None => Ok(None),
            Some(a) => match f(a) {
                Some(v) => Ok(Some(v)),
                None => lacks(format!("{}: {name} = {a:?}, not {kind}", self.op)),
            },
        }
    }

    pub(crate) fn variable(&self, key: &str) -> Result<Var, Stop> {
        match self.inputs.get(key) {
            Some(v) => Ok(v.clone()),
            None => wrong(format!("no input '{key}'")),
        }
    }

    /// The tensor at place `at`.
    pub(crate) fn var(&self, at: usize) -> Result<Var, Stop> {
        match self.opt_var(at, "")? {
            Some(v) => Ok(v),
            None => lacks(format!("{} without argument {at}", self.op)),
        }
    }

    /// The tensor at place `at` or called `name`, if there is one.
    pub(crate) fn opt_var(&self, at: usize, name: &str) -> Result<Option<Var>, Stop> {
        match self.arg(at, name) {
            None => Ok(None),
            Some(Arg::Tensor(key)) => self.variable(key).map(Some),
            Some(a) => lacks(format!("{}: argument {at} = {a:?}, not a tensor", self.op)),
        }
    }

    /// A tensor, or a number as a constant like `like`.
    pub(crate) fn var_or_number(
        &self,
        at: usize,
        name: &str,
        like: &Var,
    ) -> Result<Option<Var>, Stop> {
        match self.arg(at, name) {
            Some(a) if a.number().is_some() => {
                let c = a.number().unwrap_or_default();
                let dtype = match (a, like.dtype()) {
                    (Arg::Float(_), d) if !d.is_float() => DType::F32,
                    (_, DType::Bool) => DType::I64,
                    (_, d) => d,
                };
                Ok(Some(Var::full(&[], c, dtype, Device::Cpu)))
            }
            _ => self.opt_var(at, name),
        }
    }

    /// All tensors from place `from` on, lists opened.
    pub(crate) fn vars(&self, from: usize) -> Result<Vec<Var>, Stop> {
        let mut keys = Vec::new();
        for at in from..self.len() {
            match self.arg(at, "") {
                Some(a @ (Arg::Tensor(_) | Arg::List(_))) => a.keys(&mut keys),
                other => return lacks(format!("{}: argument {at} = {other:?}", self.op)),
            }
        }
        keys.into_iter().map(|k| self.variable(k)).collect()
    }

    /// The tensors of the list at place `at`.
    pub(crate) fn list(&self, at: usize) -> Result<Vec<Var>, Stop> {
        let mut keys = Vec::new();
        match self.arg(at, "") {
            Some(a @ (Arg::Tensor(_) | Arg::List(_))) => a.keys(&mut keys),
            other => return lacks(format!("{}: argument {at} = {other:?}", self.op)),
        }
        keys.into_iter().map(|k| self.variable(k)).collect()
    }

    pub(crate) fn opt_number(&self, at: usize, name: &str) -> Result<Option<f64>, Stop> {
        self.read(at, name, "a number", Arg::number)
    }

    pub(crate) fn number(&self, at: usize, name: &str, default: f64) -> Result<f64, Stop> {
        Ok(self.opt_number(at, name)?.unwrap_or(default))
    }

    pub(crate) fn opt_int(&self, at: usize, name: &str) -> Result<Option<isize>, Stop> {
        Ok(self
            .read(at, name, "a whole number", Arg::int)?
            .map(|i| i as isize))
    }

    pub(crate) fn int(&self, at: usize, name: &str, default: isize) -> Result<isize, Stop> {
        Ok(self.opt_int(at, name)?.unwrap_or(default))
    }

    pub(crate) fn flag(&self, at: usize, name: &str, default: bool) -> Result<bool, Stop> {
        let read = |a: &Arg| {
            if let Arg::Flag(b) = a { Some(*b) } else { None }
        };
        Ok(self
            .read(at, name, "a truth value", read)?
            .unwrap_or(default))
    }

    pub(crate) fn text(&self, at: usize, name: &str) -> Result<Option<String>, Stop> {
        let read = |a: &Arg| {
            if let Arg::Text(t) = a {
                Some(t.clone())
            } else {
                None
            }
        };
        self.read(at, name, "a word", read)
    }

    pub(crate) fn dtype(&self, at: usize, name: &str) -> Result<Option<DType>, Stop> {
        match self.arg(at, name) {
            None => Ok(None),
            Some(Arg::DType(d)) => named(d).map(Some),
            Some(a) => lacks(format!("{}: {name} = {a:?}, not a dtype", self.op)),
        }
    }

    /// One whole number or several.
    pub(crate) fn opt_ints(&self, at: usize, name: &str) -> Result<Option<Vec<isize>>, Stop> {
        let read = |a: &Arg| match a {
            Arg::Int(i) => Some(vec![*i as isize]),
            Arg::List(all) => all.iter().map(|a| a.int().map(|i| i as isize)).collect(),
            _ => None,
        };
        self.read(at, name, "whole numbers", read)
    }

    /// Sizes: one number or several.
    pub(crate) fn opt_sizes(&self, at: usize, name: &str) -> Result<Option<Vec<usize>>, Stop> {
        let Some(all) = self.opt_ints(at, name)? else {
            return Ok(None);
        };
        let sizes: Option<Vec<usize>> = all.iter().map(|&i| usize::try_from(i).ok()).collect();
        match sizes {
            Some(s) => Ok(Some(s)),
            None => wrong(format!("{}: {name} = {all:?} has a negative size", self.op)),
        }
    }

    /// Whole numbers as one list, or as the rest of the positional arguments.
    pub(crate) fn ints_from(&self, at: usize, name: &str) -> Result<Vec<isize>, Stop> {
        if self.len() > at + 1 {
            return (at..self.len()).map(|i| self.int(i, "", 0)).collect();
        }
        match self.opt_ints(at, name)? {
            Some(v) => Ok(v),
            None => lacks(format!("{} without {name}", self.op)),
        }
    }
}

/// The dtype with PyTorch's name.
pub(crate) fn named(name: &str) -> Result<DType, Stop> {
    Ok(match name {
        "float64" => DType::F64,
        "float32" => DType::F32,
        "int64" => DType::I64,
        "int32" => DType::I32,
        "int8" => DType::I8,
        "uint8" => DType::U8,
        "bool" => DType::Bool,
        other => return lacks(format!("dtype {other}")),
    })
}
