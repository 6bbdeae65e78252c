//! What formatting changes, as `diff -u` shows it. Lines are never moved, so that those of the two texts come in pairs.

use std::fmt::Write as _;

/// How many lines that are the same stand before and after those that are not.
const CONTEXT: usize = 3;

/// A unified diff of two texts with as many lines, labelled `old/NAME` and `new/NAME`; without a newline at the end.
pub(super) fn unified(name: &str, old: &str, new: &str) -> String {
    let pairs: Vec<_> = old.split_inclusive('\n').zip(new.split_inclusive('\n')).collect();
    let changed: Vec<_> = pairs.iter().enumerate().filter(|(_, (old, new))| old != new).map(|(at, _)| at).collect();
    let mut text = format!("--- old/{name}\n+++ new/{name}\n");
    for hunk in changed.chunk_by(|line, next| next - line <= 2 * CONTEXT + 1) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { continue };
        let start = first.saturating_sub(CONTEXT);
        let lines = pairs.get(start..(last + CONTEXT + 1).min(pairs.len())).unwrap_or_default();
        let range = if lines.len() == 1 { format!("{}", start + 1) } else { format!("{},{}", start + 1, lines.len()) };
        // Writing to a String can't fail.
        let _written = writeln!(text, "@@ -{range} +{range} @@");
        for group in lines.chunk_by(|line, next| (line.0 == line.1) == (next.0 == next.1)) {
            if group.iter().all(|(old, new)| old == new) {
                group.iter().for_each(|(line, _)| push(&mut text, ' ', line));
            } else {
                group.iter().for_each(|(old, _)| push(&mut text, '-', old));
                group.iter().for_each(|(_, new)| push(&mut text, '+', new));
            }
        }
    }
    text.truncate(text.trim_end_matches('\n').len());
    text
}

fn push(text: &mut String, sign: char, line: &str) {
    text.push(sign);
    text.push_str(line);
    if !line.ends_with('\n') {
        text.push_str("\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_change_are_shown_with_three_on_both_sides() {
        let old = "1\n2\n3\n4\n5=\n6\n7\n8\n9\n10\n11\n12=\n13=\n14\n15\n16\n17\n18\n19\n20\n21\n22=";
        let new = old.replace('=', " =");
        assert_eq!(
            unified("a/b", old, &new),
            "\
--- old/a/b
+++ new/a/b
@@ -2,15 +2,15 @@
 2
 3
 4
-5=
+5 =
 6
 7
 8
 9
 10
 11
-12=
-13=
+12 =
+13 =
 14
 15
 16
@@ -19,4 +19,4 @@
 19
 20
 21
-22=
\\ No newline at end of file
+22 =
\\ No newline at end of file"
        );
        assert_eq!(unified("a", "b=1\n", "b = 1\n"), "--- old/a\n+++ new/a\n@@ -1 +1 @@\n-b=1\n+b = 1");
    }
}
