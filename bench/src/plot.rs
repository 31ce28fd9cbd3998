//! The ratios as bars, in an SVG that reads on white and on black.

use crate::measure::{Goal, Line, Spread};

const LEFT: f64 = 350.0;
const WIDTH: f64 = 860.0;
const ROW: f64 = 34.0;
const TOP: f64 = 70.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#24292f}.faint{fill:#57606a}\
.bar{fill:#0969da}.rival{fill:#afb8c1}.axis{stroke:#d0d7de}.one{stroke:#57606a;stroke-dasharray:4 3}\
.error{stroke:#24292f;stroke-width:1.5}.goal{stroke:#1a7f37;stroke-width:3}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.faint{fill:#8b949e}.bar{fill:#58a6ff}.rival{fill:#484f58}\
.axis{stroke:#30363d}.one{stroke:#8b949e}.error{stroke:#e6edf3}.goal{stroke:#3fb950}}";

struct Bar<'a> {
    line: &'a Line,
    ours: Spread,
    haproxy: Option<Spread>,
}

/// Bars of all lines that have a goal for their ratio to nginx.
pub fn svg(lines: &[Line]) -> String {
    let bars: Vec<Bar<'_>> = lines
        .iter()
        .filter(|line| matches!(line.goal, Goal::RatioAtLeast(_) | Goal::RatioAtMost(_)))
        .filter_map(|line| Some(Bar { line, ours: line.ratio()?, haproxy: line.haproxy_ratio() }))
        .collect();
    let longest = bars.iter().flat_map(|bar| [bar.ours.max, bar.haproxy.map_or(0.0, |ratio| ratio.max)]);
    let most = longest.fold(1.3, f64::max);
    let scale = (WIDTH - LEFT - 80.0) / most;
    let height = TOP + ROW * bars.len() as f64 + 40.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\
         <title>Passthrough against nginx = 1.00</title><style>{STYLE}</style>\n\
         <text x=\"16\" y=\"28\" font-weight=\"600\">Passthrough against nginx = 1.00</text>\n\
         <text x=\"16\" y=\"48\" class=\"faint\">blue: Passthrough, grey: HAProxy; whisker: all rounds; green: the goal \
         (→ at least, ← at most)</text>\n"
    );
    let one = LEFT + scale;
    let bottom = height - 34.0;
    out.push_str(&format!(
        "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{TOP}\" x2=\"{LEFT}\" y2=\"{bottom}\"/>\n"
    ));
    for (number, bar) in bars.iter().enumerate() {
        out.push_str(&drawn(bar, TOP + ROW * number as f64, scale));
    }
    out.push_str(&format!("<line class=\"one\" x1=\"{one}\" y1=\"{TOP}\" x2=\"{one}\" y2=\"{bottom}\"/>\n"));
    out.push_str(&format!(
        "<text x=\"{one}\" y=\"{}\" text-anchor=\"middle\" class=\"faint\">nginx</text>\n</svg>\n",
        bottom + 18.0
    ));
    out
}

fn drawn(bar: &Bar<'_>, top: f64, scale: f64) -> String {
    let middle = top + 12.0;
    let at = |ratio: f64| LEFT + ratio * scale;
    let width = bar.ours.median * scale;
    let mut out = format!(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n",
        LEFT - 10.0,
        middle + 4.5,
        escaped(&bar.line.name)
    );
    if let Some(rival) = bar.haproxy {
        let width = rival.median * scale;
        out.push_str(&format!(
            "<rect class=\"rival\" x=\"{LEFT}\" y=\"{}\" width=\"{width:.1}\" height=\"6\"/>\n",
            top + 22.0
        ));
    }
    out.push_str(&format!(
        "<rect class=\"bar\" x=\"{LEFT}\" y=\"{}\" width=\"{width:.1}\" height=\"18\" rx=\"2\"/>\n",
        top + 3.0
    ));
    let (from, to) = (at(bar.ours.min), at(bar.ours.max));
    out.push_str(&format!(
        "<path class=\"error\" d=\"M{from:.1} {0}H{to:.1}M{from:.1} {1}V{2}M{to:.1} {1}V{2}\"/>\n",
        middle,
        middle - 4.0,
        middle + 4.0
    ));
    let (goal, arrow) = match bar.line.goal {
        Goal::RatioAtMost(goal) => (goal, "←"),
        Goal::RatioAtLeast(goal) => (goal, "→"),
        _ => return out,
    };
    let x = at(goal);
    out.push_str(&format!("<path class=\"goal\" d=\"M{x:.1} {}V{}\"/>\n", top, top + 24.0));
    out.push_str(&format!(
        "<text x=\"{:.1}\" y=\"{}\">{:.2} {arrow}</text>\n",
        to.max(x) + 8.0,
        middle + 4.5,
        bar.ours.median
    ));
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_a_ratio_becomes_a_bar() {
        let mut line = Line::new("proxy <1>", "requests/s", Goal::RatioAtLeast(1.0));
        assert!(!svg(std::slice::from_ref(&line)).contains("class=\"bar\""));
        line.nginx = vec![1.0, 2.0];
        line.ours = vec![1.1, 2.4];
        let text = svg(&[line]);
        assert!(text.contains("class=\"bar\"") && text.contains("proxy &lt;1>") && text.contains("1.15 →"));
    }
}
