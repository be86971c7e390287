//! How figures are taken and shown.

use std::time::Duration;

/// Rows of figure, value and what it stands beside.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<(String, String, String)>,
}

impl Report {
    pub(crate) fn row(&mut self, figure: &str, value: impl Into<String>, beside: impl Into<String>) {
        let value = value.into();
        eprintln!("{figure}: {value}");
        self.rows.push((figure.to_owned(), value, beside.into()));
    }

    pub(crate) fn print(&self) {
        let width = |column: fn(&(String, String, String)) -> &String| {
            self.rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0)
        };
        let (figures, values) = (width(|row| &row.0), width(|row| &row.1));
        println!("\n| {:figures$} | {:>values$} | beside", "figure", "value");
        println!("|{}|{}|---", "-".repeat(figures + 2), "-".repeat(values + 2));
        for (figure, value, beside) in &self.rows {
            println!("| {figure:figures$} | {value:>values$} | {beside}");
        }
    }
}

/// The `percent`-th percentile of times that were sorted.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get((sorted.len() * percent / 100).min(last)).copied().unwrap_or_default()
}

pub(crate) fn millis(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

pub(crate) fn micros(time: Duration) -> String {
    format!("{:.1} us", time.as_secs_f64() * 1e6)
}

/// CPU time of this process so far: user and system, all threads.
pub(crate) fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15, counted behind the command's closing bracket, in ticks of 1/100 s (proc(5)).
    let ticks: u64 = stat
        .rsplit_once(')')
        .map(|(_, rest)| {
            rest.split_whitespace().skip(11).take(2).filter_map(|tick| tick.parse::<u64>().ok()).sum()
        })
        .unwrap_or(0);
    Duration::from_millis(ticks * 10)
}

/// Resident memory of this process in MiB.
pub(crate) fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
