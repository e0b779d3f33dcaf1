//! Activations made of others.

use crate::engine::var::Var;

impl Var {
    /// `x - tanh x`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0.0f32], &[1]).tanhshrink().to_vec::<f32>()?, [0.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn tanhshrink(&self) -> Var {
        self - self.tanh()
    }
    /// `x / (1 + |x|)`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-1.0f32, 0.0, 3.0], &[3]).softsign().to_vec::<f32>()?, [-0.5, 0.0, 0.75]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn softsign(&self) -> Var {
        self / (self.abs() + 1.0)
    }
    /// `ln sigmoid(x)` without underflow.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0.0f32, -1000.0], &[2]).log_sigmoid().to_vec::<f32>()?, [-0.6931472, -1000.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn log_sigmoid(&self) -> Var {
        -((-self).softplus())
    }
    /// `x tanh(softplus x)` (Misra 2019).
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0.0f32, 100.0], &[2]).mish().to_vec::<f32>()?, [0.0, 100.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn mish(&self) -> Var {
        self * self.softplus().tanh()
    }
    /// The first half along `axis` times the sigmoid of the second (Dauphin et al. 2017).
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[3.0f32, 4.0, 0.0, 0.0], &[4]).glu(0).to_vec::<f32>()?, [1.5, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or has an odd size.
    #[track_caller]
    pub fn glu(&self, axis: isize) -> Var {
        self.axis("glu", axis);
        let parts = self.chunk(2, axis);
        assert!(
            parts.len() == 2 && parts[0].shape() == parts[1].shape(),
            "glu: axis {axis} of {:?} does not fall into two halves",
            self.shape()
        );
        &parts[0] * parts[1].sigmoid()
    }
    /// `x` above 0, `slope x` below, with one slope or one per channel (axis 1).
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-4.0f32, 2.0], &[2]).prelu(&Var::new(&[0.25f32], &[1])).to_vec::<f32>()?, [-1.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the slopes do not fit.
    #[track_caller]
    pub fn prelu(&self, slope: &Var) -> Var {
        let channels = if self.rank() > 1 { self.shape()[1] } else { 1 };
        assert!(
            slope.numel() == 1 || slope.numel() == channels,
            "prelu: {} slopes for the channels, axis 1 of {:?}; give one, or one a channel",
            slope.numel(),
            self.shape()
        );
        let slope = if slope.numel() > 1 && self.rank() > 1 {
            let mut shape = vec![1; self.rank()];
            shape[1] = slope.numel();
            slope.reshape(&shape)
        } else {
            slope.reshape(&[])
        };
        let zero = self.zeros_like();
        Var::where_(&self.gt(&zero), self, &(slope * self))
    }
}
