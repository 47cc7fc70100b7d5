//! Plots of how a time grows with a number, both in powers of ten, as SVG.

use std::fmt::Write;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 44.0;
const COLOURS: [&str; 6] = [
    "#1b6ca8", "#c0392b", "#27864a", "#8e44ad", "#b9770e", "#555555",
];

/// One line: its name, and its points as (number, nanoseconds).
pub struct Series {
    pub name: &'static str,
    pub points: Vec<(f64, f64)>,
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n} ns"),
        n if n < 1e6 => format!("{} µs", n / 1e3),
        n if n < 1e9 => format!("{} ms", n / 1e6),
        n => format!("{} s", n / 1e9),
    }
}

/// A whole number with commas.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The plot; `None` if there is nothing to be shown.
pub fn svg(title: &str, x_title: &str, series: &[Series]) -> Option<String> {
    let points = || series.iter().flat_map(|series| &series.points);
    let (mut low, mut high) = ([f64::MAX; 2], [f64::MIN; 2]);
    for point in points() {
        for (axis, value) in [point.0, point.1].into_iter().enumerate() {
            low[axis] = low[axis].min(value.log10().floor());
            high[axis] = high[axis].max(value.log10().ceil());
        }
    }
    points().next()?;
    let part = |axis: usize, value: f64| (value - low[axis]) / (high[axis] - low[axis]).max(1.0);
    let x = |log: f64| LEFT + part(0, log) * (WIDTH - LEFT - RIGHT);
    let y = |log: f64| HEIGHT - BOTTOM - part(1, log) * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\" role=\"img\">\n<title>{title}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"14\" fill=\"#222222\">{title}</text>\n"
    );
    let mut line = |text: String| {
        svg.push_str(&text);
        svg.push('\n');
    };
    let steps = |axis: usize| (low[axis] as i32)..=(high[axis] as i32);
    for power in steps(0) {
        let at = x(power.into());
        line(format!(
            "<path d=\"M{at:.1} {TOP}V{:.1}\" stroke=\"#dddddd\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#444444\">{}</text>",
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM + 16.0,
            grouped(10_u64.pow(power.unsigned_abs()))
        ));
    }
    for power in steps(1) {
        let at = y(power.into());
        line(format!(
            "<path d=\"M{LEFT} {at:.1}H{:.1}\" stroke=\"#dddddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#444444\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            at + 4.0,
            time(10_f64.powi(power))
        ));
    }
    line(format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#444444\">{x_title}</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 8.0
    ));
    // Names stand at the ends of their lines, a line of text apart at least.
    let shown = || {
        series
            .iter()
            .zip(COLOURS)
            .filter(|(series, _)| !series.points.is_empty())
    };
    let mut names: Vec<(f64, &str, &str)> = Vec::new();
    for (series, colour) in shown() {
        let mut path = String::new();
        for (at, (number, value)) in series.points.iter().enumerate() {
            let step = if at == 0 { 'M' } else { 'L' };
            let _ = write!(
                path,
                "{step}{:.1} {:.1}",
                x(number.log10()),
                y(value.log10())
            );
            line(format!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>",
                x(number.log10()),
                y(value.log10())
            ));
        }
        line(format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        ));
        if let Some((_, value)) = series.points.last() {
            names.push((y(value.log10()), series.name, colour));
        }
    }
    names.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut above = f64::MIN;
    for (at, name, colour) in names {
        above = at.max(above + 14.0);
        line(format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{name}</text>",
            WIDTH - RIGHT + 8.0,
            above + 4.0
        ));
    }
    svg.push_str("</svg>\n");
    Some(svg)
}
