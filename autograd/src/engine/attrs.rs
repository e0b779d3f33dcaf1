//! Attributes of ops as data, so that programs are files.

use lepton_tensor::{DType, Error, Result, Shape};

/// One attribute's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Attr {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A real number.
    Float(f64),
    /// Whole numbers that no batch size enters, such as axes.
    Ints(Vec<i64>),
    /// Sizes of axes; a program may put the batch in place of one.
    Shape(Vec<usize>),
    /// A word, such as a dtype's name.
    Text(String),
}

/// Attributes by name, in the order they were put.
///
/// ```
/// use lepton_autograd::Attrs;
/// let attrs = Attrs::new().int("axis", 1).flag("keep", true);
/// assert_eq!(attrs.get_int("axis").unwrap(), 1);
/// assert!(attrs.get_int("keep").is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attrs(Vec<(String, Attr)>);

impl Attrs {
    /// No attributes.
    pub fn new() -> Attrs {
        Attrs::default()
    }

    /// With `value` under `name`.
    pub fn put(mut self, name: &str, value: Attr) -> Attrs {
        self.0.push((name.to_owned(), value));
        self
    }

    /// With a truth value.
    pub fn flag(self, name: &str, value: bool) -> Attrs {
        self.put(name, Attr::Bool(value))
    }

    /// With a whole number.
    pub fn int(self, name: &str, value: i64) -> Attrs {
        self.put(name, Attr::Int(value))
    }

    /// With a real number.
    pub fn float(self, name: &str, value: f64) -> Attrs {
        self.put(name, Attr::Float(value))
    }

    /// With whole numbers, such as axes.
    pub fn ints(self, name: &str, value: &[usize]) -> Attrs {
        self.put(name, Attr::Ints(value.iter().map(|&v| v as i64).collect()))
    }

    /// With sizes of axes.
    pub fn shape(self, name: &str, value: &[usize]) -> Attrs {
        self.put(name, Attr::Shape(value.to_vec()))
    }

    /// With a dtype.
    pub fn dtype(self, name: &str, value: DType) -> Attrs {
        self.put(name, Attr::Text(value.name().to_owned()))
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attr)> {
        self.0.iter().map(|(n, a)| (n.as_str(), a))
    }

    fn get<T>(&self, name: &str, kind: &str, read: impl Fn(&Attr) -> Option<T>) -> Result<T> {
        let found = self.0.iter().find(|(n, _)| n == name).map(|(_, a)| a);
        found.and_then(read).ok_or_else(|| {
            Error::format(format!(
                "attribute '{name}': expected {kind}, found {found:?}"
            ))
        })
    }

    /// The truth value `name`.
    ///
    /// # Errors
    /// When it is missing or of another kind; so for all getters.
    pub fn get_flag(&self, name: &str) -> Result<bool> {
        self.get(name, "a truth value", |a| {
            if let Attr::Bool(v) = a {
                Some(*v)
            } else {
                None
            }
        })
    }

    /// The whole number `name`.
    ///
    /// # Errors
    /// When it is missing or of another kind.
    pub fn get_int(&self, name: &str) -> Result<i64> {
        self.get(name, "a whole number", |a| {
            if let Attr::Int(v) = a { Some(*v) } else { None }
        })
    }

    /// The non-negative whole number `name`.
    ///
    /// # Errors
    /// When it is missing, of another kind or negative.
    pub fn get_size(&self, name: &str) -> Result<usize> {
        self.get(name, "a size", |a| {
            if let Attr::Int(v) = a {
                usize::try_from(*v).ok()
            } else {
                None
            }
        })
    }

    /// The real number `name`.
    ///
    /// # Errors
    /// When it is missing or of another kind.
    pub fn get_float(&self, name: &str) -> Result<f64> {
        self.get(name, "a number", |a| match a {
            Attr::Float(v) => Some(*v),
            Attr::Int(v) => Some(*v as f64),
            _ => None,
        })
    }

    /// The non-negative whole numbers `name`.
    ///
    /// # Errors
    /// When they are missing, of another kind or negative.
    pub fn get_sizes(&self, name: &str) -> Result<Vec<usize>> {
        self.get(name, "sizes", |a| match a {
            Attr::Ints(v) => v.iter().map(|&v| usize::try_from(v).ok()).collect(),
            Attr::Shape(v) => Some(v.clone()),
            _ => None,
        })
    }

    /// The whole numbers `name`.
    ///
    /// # Errors
    /// When they are missing or of another kind.
    pub fn get_signed(&self, name: &str) -> Result<Vec<i64>> {
        self.get(name, "whole numbers", |a| {
            if let Attr::Ints(v) = a {
                Some(v.clone())
            } else {
                None
            }
        })
    }

    /// The two sizes `name`.
    ///
    /// # Errors
    /// When they are missing, of another kind or not two.
    pub fn get_pair(&self, name: &str) -> Result<[usize; 2]> {
        let all = self.get_sizes(name)?;
        all.try_into().map_err(|all| {
            Error::format(format!(
                "attribute '{name}': expected two sizes, found {all:?}"
            ))
        })
    }

    /// The word `name`.
    ///
    /// # Errors
    /// When it is missing or of another kind.
    pub fn get_text(&self, name: &str) -> Result<String> {
        self.get(name, "a word", |a| {
            if let Attr::Text(t) = a {
                Some(t.clone())
            } else {
                None
            }
        })
    }

    /// The dtype `name`.
    ///
    /// # Errors
    /// When it is missing, of another kind or unknown.
    pub fn get_dtype(&self, name: &str) -> Result<DType> {
        self.get(name, "a dtype", |a| {
            if let Attr::Text(t) = a {
                DType::from_name(t)
            } else {
                None
            }
        })
    }
}

/// A field of an op as attributes, for [`crate::fields!`].
pub trait Field: Sized {
    /// `attrs` with this field under `name`.
    fn put(&self, name: &str, attrs: Attrs) -> Attrs;

    /// The field `name`.
    ///
    /// # Errors
    /// When it is missing or of another kind.
    fn take(name: &str, attrs: &Attrs) -> Result<Self>;
}

/// Writes [`Op::attrs`](crate::Op::attrs) and [`Op::from_attrs`](crate::Op::from_attrs) from the names
/// of an op's fields: `fields!(axis, descending);` inside its `impl`.
#[macro_export]
macro_rules! fields {
    ($($field:ident),+) => {
        fn attrs(&self) -> $crate::Attrs {
            let attrs = $crate::Attrs::new();
            $(let attrs = $crate::Field::put(&self.$field, stringify!($field), attrs);)+
            attrs
        }
        fn from_attrs(attrs: &$crate::Attrs) -> $crate::Result<Self> {
            Ok(Self { $($field: $crate::Field::take(stringify!($field), attrs)?),+ })
        }
    };
}

/// `Field` for a type that [`Attrs`] has a pair of methods for.
macro_rules! field {
    ($type:ty, |$v:ident, $name:ident, $attrs:ident| $put:expr, $take:expr) => {
        impl Field for $type {
            fn put(&self, $name: &str, $attrs: Attrs) -> Attrs {
                let $v = self;
                $put
            }
            fn take($name: &str, $attrs: &Attrs) -> Result<$type> {
                $take
            }
        }
    };
}

field!(
    bool,
    |v, name, attrs| attrs.flag(name, *v),
    attrs.get_flag(name)
);
field!(
    f64,
    |v, name, attrs| attrs.float(name, *v),
    attrs.get_float(name)
);
field!(
    i64,
    |v, name, attrs| attrs.int(name, *v),
    attrs.get_int(name)
);
field!(
    usize,
    |v, name, attrs| attrs.int(name, *v as i64),
    attrs.get_size(name)
);
field!(
    [usize; 2],
    |v, name, attrs| attrs.ints(name, v),
    attrs.get_pair(name)
);
field!(
    DType,
    |v, name, attrs| attrs.dtype(name, *v),
    attrs.get_dtype(name)
);
field!(
    Shape,
    |v, name, attrs| attrs.ints(name, v),
    Ok(attrs.get_sizes(name)?.into())
);
