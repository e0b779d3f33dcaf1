//! A graph of variables whose edges point one way or are left open.

/// Named nodes, and between two of them at most one edge: directed (`a -> b`) or undirected
/// (`c -- d`, which may point either way). With directed edges only it is a diagram of causes; with
/// both it stands for the class of diagrams that no observation tells apart (a CPDAG).
///
/// ```
/// use lepton_explain::causal::Graph;
/// let names = ["rain", "sprinkler", "wet", "slippery"].map(String::from);
/// let mut graph = Graph::new(&names);
/// graph.direct(0, 2);
/// graph.direct(1, 2);
/// graph.direct(2, 3);
/// assert_eq!(graph.to_string(), "rain -> wet\nsprinkler -> wet\nwet -> slippery\n");
/// assert_eq!(graph.cpdag()?, graph); // the collider at `wet` fixes every arrow
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    names: Vec<String>,
    given_note: String,
    conflicts: Vec<(usize, usize, usize)>,
    torn: Vec<(usize, usize)>,
    // The given note and the warning about conflicts: what stands over every printed form.
    note: String,
    // Row i, column j: the edge may be read i -> j. Both readings: undirected. None: no edge.
    marks: Vec<bool>,
}

/// An edge of a [`Graph`], by the indices of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edge {
    /// From the first node to the second.
    Directed(usize, usize),
    /// Between the two, the lower index first.
    Undirected(usize, usize),
}

impl Graph {
    /// A graph without edges.
    pub fn new(names: &[String]) -> Graph {
        let n = names.len();
        Graph {
            names: names.to_vec(),
            given_note: String::new(),
            conflicts: Vec::new(),
            torn: Vec::new(),
            note: String::new(),
            marks: vec![false; n * n],
        }
    }

    /// The same graph with a line that every printed form begins with; empty for none. A warning
    /// about contradictions stays behind it.
    pub fn with_note(mut self, note: impl Into<String>) -> Graph {
        self.given_note = note.into();
        self.noted()
    }

    /// The same graph with its contradictions: see [`Graph::conflicts`] and [`Graph::torn`]. Every
    /// printed form warns of them.
    pub fn with_contradictions(
        mut self,
        conflicts: Vec<(usize, usize, usize)>,
        torn: Vec<(usize, usize)>,
    ) -> Graph {
        (self.conflicts, self.torn) = (conflicts, torn);
        self.noted()
    }

    fn noted(mut self) -> Graph {
        self.note.clone_from(&self.given_note);
        let n = self.conflicts.len() + self.torn.len();
        if n > 0 {
            let gap = if self.given_note.is_empty() { "" } else { "; " };
            self.note +=
                &format!("{gap}{n} contradictions among the tests: read the arrows with care");
        }
        self
    }

    /// The line that every printed form begins with: the note, then a warning if there are
    /// contradictions.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// The colliders `(a, middle, b)` that tests called for in contradiction to stronger ones.
    pub fn conflicts(&self) -> &[(usize, usize, usize)] {
        &self.conflicts
    }

    /// The edges that the arrows around them would point both ways; they are left undirected.
    pub fn torn(&self) -> &[(usize, usize)] {
        &self.torn
    }

    /// The number of nodes.
    pub fn nodes(&self) -> usize {
        self.names.len()
    }

    /// The names of the nodes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Sets the edge between `a` and `b` to `a -> b`.
    ///
    /// # Panics
    /// If there is no such node, or `a` is `b`.
    #[track_caller]
    pub fn direct(&mut self, a: usize, b: usize) {
        self.set(a, b, true, false);
    }

    /// Sets the edge between `a` and `b` to `a -- b`.
    ///
    /// # Panics
    /// If there is no such node, or `a` is `b`.
    #[track_caller]
    pub fn connect(&mut self, a: usize, b: usize) {
        self.set(a, b, true, true);
    }

    /// Takes away the edge between `a` and `b`.
    ///
    /// # Panics
    /// If there is no such node, or `a` is `b`.
    #[track_caller]
    pub fn disconnect(&mut self, a: usize, b: usize) {
        self.set(a, b, false, false);
    }

    #[track_caller]
    fn set(&mut self, a: usize, b: usize, forth: bool, back: bool) {
        let n = self.nodes();
        assert!(
            a < n && b < n && a != b,
            "graph: no edge between {a} and {b} of {n} nodes"
        );
        self.marks[a * n + b] = forth;
        self.marks[b * n + a] = back;
    }

    #[track_caller]
    fn mark(&self, a: usize, b: usize) -> bool {
        let n = self.nodes();
        assert!(a.max(b) < n, "graph: no node {} of {n}", a.max(b));
        self.marks[a * n + b]
    }

    /// Whether there is an edge `a -> b`.
    ///
    /// # Panics
    /// If there is no such node.
    #[track_caller]
    pub fn is_directed(&self, a: usize, b: usize) -> bool {
        self.mark(a, b) && !self.mark(b, a)
    }

    /// Whether there is an edge `a -- b`.
    ///
    /// # Panics
    /// If there is no such node.
    #[track_caller]
    pub fn is_undirected(&self, a: usize, b: usize) -> bool {
        self.mark(a, b) && self.mark(b, a)
    }

    /// Whether there is any edge between `a` and `b`.
    ///
    /// # Panics
    /// If there is no such node.
    #[track_caller]
    pub fn is_adjacent(&self, a: usize, b: usize) -> bool {
        self.mark(a, b) || self.mark(b, a)
    }

    /// The nodes that share an edge with `a`, in order.
    ///
    /// # Panics
    /// If there is no such node.
    #[track_caller]
    pub fn neighbours(&self, a: usize) -> Vec<usize> {
        (0..self.nodes())
            .filter(|&b| self.is_adjacent(a, b))
            .collect()
    }

    /// The nodes `b` with `b -> a`, in order.
    ///
    /// # Panics
    /// If there is no such node.
    #[track_caller]
    pub fn parents(&self, a: usize) -> Vec<usize> {
        (0..self.nodes())
            .filter(|&b| self.is_directed(b, a))
            .collect()
    }

    /// The edges in the order of their lower node, then of their higher one.
    pub fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for a in 0..self.nodes() {
            for b in a + 1..self.nodes() {
                match (self.mark(a, b), self.mark(b, a)) {
                    (true, true) => edges.push(Edge::Undirected(a, b)),
                    (true, false) => edges.push(Edge::Directed(a, b)),
                    (false, true) => edges.push(Edge::Directed(b, a)),
                    (false, false) => {}
                }
            }
        }
        edges
    }

    /// Whether a path of directed edges leads from `a` to `b`; each node reaches itself.
    ///
    /// # Panics
    /// If there is no such node.
    #[track_caller]
    pub fn reaches(&self, a: usize, b: usize) -> bool {
        let n = self.nodes();
        assert!(a.max(b) < n, "graph: no node {} of {n}", a.max(b));
        let mut seen = vec![false; self.nodes()];
        let mut open = vec![a];
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                open.extend((0..self.nodes()).filter(|&next| self.is_directed(at, next)));
            }
        }
        seen[b]
    }

    /// Whether no path of directed edges returns to where it began.
    pub fn is_acyclic(&self) -> bool {
        let arrow = |e: &Edge| matches!(*e, Edge::Directed(a, b) if self.reaches(b, a));
        !self.edges().iter().any(arrow)
    }

    /// Whether every edge is directed and no path returns.
    pub(super) fn is_diagram(&self) -> bool {
        let open = |e: &Edge| matches!(e, Edge::Undirected(..));
        !self.edges().iter().any(open) && self.is_acyclic()
    }

    /// The structural Hamming distance: the number of pairs of nodes whose edge differs.
    ///
    /// # Panics
    /// If the graphs have different numbers of nodes.
    #[track_caller]
    pub fn distance(&self, other: &Graph) -> usize {
        assert!(
            self.nodes() == other.nodes(),
            "graph: no distance between graphs of {} and {} nodes; give two of the same nodes",
            self.nodes(),
            other.nodes()
        );
        let edge = |g: &Graph, a, b| (g.mark(a, b), g.mark(b, a));
        let differ = |&(a, b): &(usize, usize)| edge(self, a, b) != edge(other, a, b);
        let pairs = (0..self.nodes()).flat_map(|a| (0..a).map(move |b| (a, b)));
        pairs.filter(differ).count()
    }

    /// Whether every path between `x` and `y` is blocked by `given` (d-separation: Pearl, 1988), in
    /// a directed graph without cycles. It walks as "Bayes ball" does (Shachter, 1998).
    ///
    /// # Panics
    /// If there is no such node, an edge is undirected, or the arrows form a cycle.
    #[track_caller]
    pub fn separated(&self, x: usize, y: usize, given: &[usize]) -> bool {
        let n = self.nodes();
        assert!(
            self.is_diagram(),
            "graph: only a directed graph without cycles tells what is separated"
        );
        assert!(
            given.iter().all(|&g| g < n) && x.max(y) < n,
            "graph: no node {} of {n}",
            given.iter().copied().fold(x.max(y), usize::max)
        );
        let fixed = |a: usize| given.contains(&a);
        // A node opens a collider if it or something it reaches is held fixed.
        let opens: Vec<bool> = (0..n)
            .map(|a| given.iter().any(|&g| self.reaches(a, g)))
            .collect();
        let mut seen = vec![[false; 2]; n];
        let mut open = vec![(x, false)]; // (node, whether it was entered along an arrow)
        while let Some((at, down)) = open.pop() {
            if std::mem::replace(&mut seen[at][usize::from(down)], true) {
                continue;
            }
            if at == y {
                return false;
            }
            for next in 0..n {
                let chain = at == x || !fixed(at);
                if self.is_directed(at, next) && chain {
                    open.push((next, true));
                }
                if self.is_directed(next, at) && if down { opens[at] } else { chain } {
                    open.push((next, false));
                }
            }
        }
        true
    }
}
