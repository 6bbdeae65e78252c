//! Go durations.

pub fn parse(text: &str) -> Result<i64, String> {
    text.trim_end_matches('s').parse::<i64>().map(|s| s * 1_000_000_000).map_err(|e| e.to_string())
}
