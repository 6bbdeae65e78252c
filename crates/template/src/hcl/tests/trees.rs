use super::{tree, value};

#[test]
fn bodies() {
    assert_eq!(tree(""), "");
    assert_eq!(tree("\u{feff}a = 1\r\nb = 2"), "a = 1; b = 2");
    assert_eq!(tree("# x\n// y\n/* z\n */ a = 1 # w\n"), "a = 1");
    assert_eq!(tree("é-1_x = 1\nfor = 2\nif = 3\n"), "é-1_x = 1; for = 2; if = 3");
    assert_eq!(
        tree("source \"null\" \"x\" {\n  a = 1\n\n  b c {\n    d = 2\n  }\n}\n"),
        "source \"null\" \"x\" {a = 1; b \"c\" {d = 2}}"
    );
    assert_eq!(
        tree("a {}\nb { }\nc { d = 1 }\ne {\n}\nf { g = {\n h = 1\n} }"),
        "a {}; b {}; c {d = 1}; e {}; f {g = {h: 1}}"
    );
    assert_eq!(tree("a \"b\\n$${c}\" {}\n"), "a \"b\\n${c}\" {}");
}

#[test]
fn literals() {
    assert_eq!(value("null"), "null");
    assert_eq!(value("[true, false]"), "[true false]");
    assert_eq!(value("[0, 1.5, 1e3, 2E-2, 01]"), "[0 1.5 1000 0.02 1]");
    assert_eq!(value("nullify"), "nullify");
}

#[test]
fn operators_bind_as_in_go() {
    assert_eq!(value("1 + 2 * 3 - 4"), "(- (+ 1 (* 2 3)) 4)");
    assert_eq!(value("a || b && c == d < e + f * g"), "(|| a (&& b (== c (< d (+ e (* f g))))))");
    assert_eq!(value("a * b + c < d == e && f || g"), "(|| (&& (== (< (+ (* a b) c) d) e) f) g)");
    assert_eq!(value("1 == 2 != 3"), "(!= (== 1 2) 3)");
    assert_eq!(value("-a + b"), "(+ (- a) b)");
    assert_eq!(value("!a.b == c"), "(== (! (. a b)) c)");
    assert_eq!(value("- - 1 --1"), "(- (- (- 1)) (- 1))");
    assert_eq!(value("a-b"), "a-b");
    assert_eq!(value("a -b"), "(- a b)");
    assert_eq!(value("a ? b : c ? d : e"), "(? a b (? c d e))");
    assert_eq!(value("a ? b ? 1 : 2 : 3"), "(? a (? b 1 2) 3)");
    assert_eq!(value("(a\n+\nb) / 6 % 7"), "(% (/ ((+ a b)) 6) 7)");
}

#[test]
fn what_follows_a_value() {
    assert_eq!(value("a.b[0].c.1.d"), "(. (at (. (at (. a b) 0) c) 1) d)");
    assert_eq!(value("a [ b\n.c ]"), "(at a (. b c))");
    assert_eq!(value("{x = 1}.x"), "(. {x: 1} x)");
    assert_eq!(value("f(1).null"), "(. f(1) null)");
    assert_eq!(value("a.0 .1"), "(at (at a 0) 1)");
}

#[test]
fn splats_take_what_follows() {
    assert_eq!(value("a.*"), "(each a @)");
    assert_eq!(value("a.*.b.c"), "(each a (. (. @ b) c))");
    assert_eq!(value("a.*.b.0[1].c"), "(. (at (each a (at (. @ b) 0)) 1) c)");
    assert_eq!(value("a[*].b[1].c"), "(each a (. (at (. @ b) 1) c))");
    assert_eq!(value("a[*].b[*].c"), "(each a (each (. @ b) (. @ c)))");
    assert_eq!(value("a[*].b.*.c"), "(each a (each (. @ b) (. @ c)))");
    assert_eq!(value("a.*.b[*].c"), "(each (each a (. @ b)) (. @ c))");
    assert_eq!(value("a[ * ]"), "(each a @)");
}

#[test]
fn collections() {
    assert_eq!(value("[]"), "[]");
    assert_eq!(value("[\n 1, # one\n 2\n , 3,\n]"), "[1 2 3]");
    assert_eq!(value("{}"), "{}");
    assert_eq!(value("{\n\n a = 1\n b : 2, \"c\" = 3,\n\n (d) = 4 }"), "{a: 1, b: 2, (\"c\"): 3, ((d)): 4}");
    assert_eq!(
        value("{ null = 1, true : 2, 5 = 3, a.b = 4, a = 5, a = 6 }"),
        "{null: 1, true: 2, (5): 3, ((. a b)): 4, a: 5, a: 6}"
    );
    assert_eq!(value("{ a ? 1 : 2 = 3, \"${b}\" = 4 }"), "{((? a 1 2)): 3, (<${b}>): 4}");
}

#[test]
fn for_expressions() {
    assert_eq!(value("[for x in y : x]"), "(for x in y: x)");
    assert_eq!(value("[ for k, v in y :\n k\n if\n v ]"), "(for k,v in y: k if v)");
    assert_eq!(value("{\n for k, v in y : k => v... if k != v\n}"), "(for k,v in y: k => v... if (!= k v))");
    assert_eq!(value("[for x\n in {a = 1} : x\n if \"\" == x]"), "(for x in {a: 1}: x if (== \"\" x))");
}

#[test]
fn calls() {
    assert_eq!(value("f()"), "f()");
    assert_eq!(value("f (1,\n[2],\n)"), "f(1 [2])");
    assert_eq!(value("f(1, x...)"), "f(1 x...)");
    assert_eq!(value("a :: b::c(1)"), "a::b::c(1)");
}

#[test]
fn quoted_strings() {
    assert_eq!(value("\"\""), "\"\"");
    assert_eq!(value(r#""a\n\r\t\"\\\u00e9\U0001F600b""#), "\"a\\n\\r\\t\\\"\\\\é😀b\"");
    assert_eq!(value("\"$ % $$ $${a} %%{b} $$$${c}\""), "\"$ % $$ ${a} %{b} $$${c}\"");
    assert_eq!(value("\"${a}\""), "<${a}>");
    assert_eq!(value("\"a${\n\"b\"\n}c\""), "<\"a\" ${\"b\"} \"c\">");
    assert_eq!(value("\"${{a = \"}\"}}\""), "<${{a: \"}\"}}>");
    assert_eq!(value("\"a \\n${~ b ~}\\t  c ${d} e\""), "<\"a\" ${b} \"c \" ${d} \" e\">");
    assert_eq!(value("\" ${~ a}\""), "<\"\" ${a}>");
}

#[test]
fn directives() {
    assert_eq!(value("\"%{if a}b%{else}c${d}%{endif}\""), "<if(a){\"b\"}{\"c\" ${d}}>");
    assert_eq!(value("\"%{ if a ~}  b  %{~ endif }\""), "<if(a){\"b\"}{}>");
    assert_eq!(
        value("\"x%{for k, v in a}${k}%{if v}1%{endif}%{endfor}y\""),
        "<\"x\" for(k,v in a){${k} if(v){\"1\"}{}} \"y\">"
    );
}

#[test]
fn heredocs() {
    assert_eq!(tree("a = <<EOT\n  b \\n \"c\"\n  EOT  \nd = 1\n"), "a = \"  b \\\\n \\\"c\\\"\\n\"; d = 1");
    assert_eq!(tree("a = <<E\r\nb\r\nE\r\n"), "a = \"b\\r\\n\"");
    assert_eq!(tree("a = <<E-1\nE\n${b}E-1\nE-1\n"), "a = <\"E\\n\" ${b} \"E-1\\n\">");
    assert_eq!(tree("a = <<E\nE\n"), "a = \"\"");
    assert_eq!(tree("a = [<<E\nb\nE\n, f(<<-E\n  c\n  E\n)]\n"), "a = [\"b\\n\" f(\"c\\n\")]");
    assert_eq!(tree("a = <<E\n$${b} %%{c} \\${d}\nE\n"), "a = <\"${b} %{c} \\\\\" ${d} \"\\n\">");
}

/// Each expectation is what Go's parser makes of the text.
#[test]
fn indented_heredocs_lose_their_common_indentation() {
    let heredoc = |lines: &str| value(&format!("<<-EOT\n{lines}  EOT\n"));
    assert_eq!(heredoc("  hi\n    there\n"), "\"hi\\n  there\\n\"");
    // Blank lines neither count nor change.
    assert_eq!(heredoc("  hi\n\n    \n \n   there\n"), "\"hi\\n\\n    \\n \\n there\\n\"");
    assert_eq!(heredoc("\t  a\n\t b\n"), "\" a\\nb\\n\"");
    assert_eq!(heredoc("  a\n  ${b} c\n    d\n"), "<\"a\\n\" ${b} \" c\\n  d\\n\">");
    assert_eq!(heredoc("  a\n${b}\n"), "<\"  a\\n\" ${b} \"\\n\">");
    assert_eq!(heredoc("   a $${b}\n    $${c}\n"), "\"a ${b}\\n ${c}\\n\"");
    // A strip marker acts before: it may take the indentation that would count, or the end of a line.
    assert_eq!(heredoc("    a\n    ${~ b ~} \n  \n   x\n"), "<\"    a\\n\" ${b} \"  \\n   x\\n\">");
    assert_eq!(heredoc("    a\n    ${b ~}\n\n   x\n"), "<\" a\\n \" ${b} \"\\nx\\n\">");
    assert_eq!(
        heredoc("    %{ for x in y ~}\n    - ${x}\n    %{ endfor ~}\n    z\n"),
        "<\"\" for(x in y){\"    - \" ${x} \"\\n\"} \"    z\\n\">"
    );
    assert_eq!(heredoc("     a ${<<-X\n   x\n    y\n  X\n}\n     b\n"), "<\"a \" ${\"x\\n y\\n\"} \"\\nb\\n\">");
}
