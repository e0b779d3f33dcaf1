//! Cases by name: the crate's own, and those that a user brings.

use std::cell::OnceCell;

use crate::Case;

/// Where a command finds its cases.
#[derive(Debug, Default)]
pub struct Registry {
    brought: Vec<Case>,
    /// Whether lepton's own are known too, and ad-hoc names read.
    lepton: bool,
    /// lepton's own, made when they are asked for: one of them depends on the pool of threads, which
    /// a command sets up first.
    own: OnceCell<Vec<Case>>,
}

impl Registry {
    /// lepton's own: [`crate::suite`], and ad-hoc cases.
    pub fn lepton() -> Registry {
        Registry {
            lepton: true,
            ..Registry::default()
        }
    }

    /// With one more.
    pub fn add(&mut self, case: Case) {
        self.brought.push(case);
    }

    /// All that have a name of their own.
    pub fn cases(&self) -> &[Case] {
        if self.lepton {
            self.own.get_or_init(crate::suite)
        } else {
            &self.brought
        }
    }

    /// Calls `f` with the case of this name or identifier.
    ///
    /// # Errors
    /// When there is none; the sentence lists those there are. What `f` says.
    pub fn with<R>(
        &self,
        name: &str,
        f: impl FnOnce(&Case) -> Result<R, String>,
    ) -> Result<R, String> {
        let is = |c: &&Case| c.name() == name || c.id().to_string() == name;
        if let Some(case) = self.cases().iter().find(is) {
            return f(case);
        }
        if self.lepton {
            return f(&crate::find(name)?);
        }
        let names: Vec<&str> = self.cases().iter().map(Case::name).collect();
        Err(format!(
            "unknown case '{name}'; known: {}",
            names.join(", ")
        ))
    }
}
