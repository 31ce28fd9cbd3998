//! Numbers of several rounds, and whether they meet a goal.

/// The middle one.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// The value below which `percent` of the others lie; not a number where there are none.
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = percent / 100.0 * last as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

/// Median and extremes of what was measured.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of at least one value.
    pub fn of(values: &[f64]) -> Option<Self> {
        let min = values.iter().copied().reduce(f64::min)?;
        let max = values.iter().copied().reduce(f64::max)?;
        Some(Self { median: median(values), min, max })
    }
}

/// What is asked of a number.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// At least so many times nginx's.
    RatioAtLeast(f64),
    /// At most so many times nginx's.
    RatioAtMost(f64),
    /// At most so much more than nginx's.
    AtMostOver(f64),
    /// At most this, whatever nginx's is.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// Shown, not judged.
    None,
}

/// One line of the table: the values of all rounds, in their order.
#[derive(Debug)]
pub struct Line {
    /// What was measured.
    pub name: String,
    /// In what.
    pub unit: &'static str,
    /// What is asked.
    pub goal: Goal,
    /// nginx's values.
    pub nginx: Vec<f64>,
    /// Passthrough's.
    pub ours: Vec<f64>,
    /// HAProxy's.
    pub haproxy: Vec<f64>,
    /// What a reader must know to read it rightly.
    pub note: String,
}

impl Line {
    /// A line without values.
    pub fn new(name: impl Into<String>, unit: &'static str, goal: Goal) -> Self {
        let (nginx, ours, haproxy) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.into(), unit, goal, nginx, ours, haproxy, note: String::new() }
    }

    /// Passthrough's values against nginx's, round by round.
    pub fn ratio(&self) -> Option<Spread> {
        against(&self.ours, &self.nginx)
    }

    /// HAProxy's values against nginx's, round by round.
    pub fn haproxy_ratio(&self) -> Option<Spread> {
        against(&self.haproxy, &self.nginx)
    }

    /// Whether the goal is met; `None` where there is none, or nothing to judge.
    pub fn is_met(&self) -> Option<bool> {
        let ours = Spread::of(&self.ours)?.median;
        match self.goal {
            Goal::RatioAtLeast(least) => Some(rounded(self.ratio()?.median) >= least),
            Goal::RatioAtMost(most) => Some(rounded(self.ratio()?.median) <= most),
            Goal::AtMostOver(more) => Some(ours <= Spread::of(&self.nginx)?.median + more),
            Goal::AtMost(most) => Some(ours <= most),
            Goal::AtLeast(least) => Some(ours >= least),
            Goal::None => None,
        }
    }
}

/// As the table shows a ratio.
fn rounded(ratio: f64) -> f64 {
    (ratio * 100.0).round() / 100.0
}

fn against(ours: &[f64], theirs: &[f64]) -> Option<Spread> {
    let pairs = ours.iter().zip(theirs).filter(|(_, theirs)| **theirs > 0.0);
    Spread::of(&pairs.map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_between_its_neighbours() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(median(&values), 2.5);
        assert_eq!(percentile(&values, 100.0), 4.0);
        assert!(percentile(&[], 50.0).is_nan());
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let mut line = Line::new("x", "y", Goal::RatioAtLeast(1.0));
        line.nginx = vec![100.0, 50.0, 200.0];
        line.ours = vec![110.0, 60.0, 100.0];
        assert_eq!(line.ratio().map(|ratio| ratio.median), Some(1.1));
        assert_eq!(line.is_met(), Some(true));
    }
}
