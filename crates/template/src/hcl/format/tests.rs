//! Every rule with its odd cases. What is expected here is what Packer 1.6.6 makes of it, but for `!`, `b.0. 1`, a text
//! of a byte order mark alone, and `::`, which is newer.

use crate::diagnostic::Diagnostics;
use crate::hcl;
use crate::source::{Origin, Sources};

fn format(text: &str) -> Result<String, Vec<String>> {
    let sources = Sources::default();
    let file = sources.add("t.pkr.hcl", Origin::File, text);
    let mut diagnostics = Diagnostics::default();
    let formatted = hcl::format(file, text, &mut diagnostics);
    formatted.ok_or_else(|| diagnostics.into_sorted().into_iter().map(|mistake| mistake.message).collect())
}

/// Expects this, and that formatting it again changes nothing.
#[track_caller]
fn story(text: &str, expected: &str) {
    assert_eq!(format(text).as_deref(), Ok(expected), "{text:?}");
    assert_eq!(format(expected).as_deref(), Ok(expected), "again");
}

/// The same for values, each the argument `a`.
#[track_caller]
fn values(table: &[(&str, &str)]) {
    for (given, expected) in table {
        story(&format!("a={given}\n"), &format!("a = {expected}\n"));
    }
}

#[test]
fn operators_stand_apart() {
    values(&[
        ("b+c", "b + c"),
        ("b*c/d%e", "b * c / d % e"),
        ("b==c&&d!=e||f", "b == c && d != e || f"),
        ("b<c", "b < c"),
        ("b>=c?d:e", "b >= c ? d : e"),
        ("(b)?(c):[d]", "(b) ? (c) : [d]"),
        ("\"b\"==\"c\"", "\"b\" == \"c\""),
        ("b[0]-c", "b[0] - c"),
        // One name.
        ("b-c", "b-c"),
        ("b -c", "b - c"),
        ("1-1", "1 - 1"),
    ]);
}

#[test]
fn signs_stand_at_their_operand() {
    values(&[
        ("- 1", "-1"),
        ("( - b )", "(-b)"),
        ("[ - 1 , - b ]", "[-1, -b]"),
        ("f(- 1)", "f(-1)"),
        ("{b:- 1,c=- 1}", "{ b : -1, c = -1 }"),
        ("b ? - 1 : - 2", "b ? -1 : -2"),
        ("b*- c", "b * -c"),
        ("b - - - 1", "b - --1"),
        ("- (b)", "-(b)"),
        ("b [ - 1 ]", "b[-1]"),
        ("! b", "!b"),
        ("!  f(b)", "!f(b)"),
        ("! ! (b)", "!!(b)"),
        ("b&&! c", "b && !c"),
        // Packer does not know these for signs.
        ("\"${-b}\"", "\"${- b}\""),
        ("{for b in c:b=>-b}", "{ for b in c : b => - b }"),
        ("b ? /* c */-1 : 2", "b ? /* c */ - 1 : 2"),
    ]);
    story("a = (\nb\n- c\n)\n", "a = (\n  b\n  -c\n)\n");
}

#[test]
fn brackets_and_what_is_in_them() {
    values(&[
        ("[ ]", "[]"),
        ("{ }", "{}"),
        ("[ b,c ]", "[b, c]"),
        ("[ b , ]", "[b, ]"),
        ("[[b],[ c ]]", "[[b], [c]]"),
        ("{b=1,\"c\":2,(d)=3}", "{ b = 1, \"c\" : 2, (d) = 3 }"),
        ("{b={c=1}}", "{ b = { c = 1 } }"),
        ("[{b=1},{}]", "[{ b = 1 }, {}]"),
        ("({b=1})", "({ b = 1 })"),
        ("f ( b , c ... )", "f(b, c...)"),
        ("f ( )", "f()"),
        ("b :: c ( 1 )", "b::c(1)"),
        ("[for b in c:b if b]", "[for b in c : b if b]"),
        ("{for b,c in d:b=>c...if e}", "{ for b, c in d : b => c... if e }"),
    ]);
}

#[test]
fn what_is_taken_out_of_a_value_stands_at_it() {
    values(&[
        ("b . c", "b.c"),
        ("b [ 0 ] [ \"c\" ] . d", "b[0][\"c\"].d"),
        ("b . * . c", "b.*.c"),
        ("b [ * ] . c", "b[*].c"),
        ("b . 0", "b.0"),
        ("f (b) [0]", "f(b)[0]"),
        ("{b=1} [ \"b\" ]", "{ b = 1 }[\"b\"]"),
        ("[1] [0]", "[1][0]"),
        ("\"b\"[0]", "\"b\" [0]"),
        ("b.*[0]", "b.* [0]"),
        // A name, and the word before a collection.
        ("in [0]", "in[0]"),
        ("[for b in[1]:b]", "[for b in [1] : b]"),
        ("[for b in(c):b]", "[for b in(c) : b]"),
    ]);
}

#[test]
fn words_never_become_other_words() {
    let mut diagnostics = Diagnostics::default();
    let sources = Sources::default();
    let text = "a = b.0 . 1\n";
    let file = sources.add("t.pkr.hcl", Origin::File, text);
    let tokens = hcl::tokenize(file, text, &mut diagnostics);
    assert_eq!(super::format(text, &tokens).as_deref(), Some("a = b.0. 1\n"));
}

#[test]
fn strings_keep_their_text_and_their_expressions_are_formatted() {
    values(&[
        ("\"  b  ${  c+1  }  d  \"", "\"  b  ${c + 1}  d  \""),
        ("\"${~ b ~}\"", "\"${~b~}\""),
        ("\"%{ if  b }c%{ else }d%{ endif }\"", "\"%{if b}c%{else}d%{endif}\""),
        ("\"%{ for b in[1] }${ b }%{ endfor }\"", "\"%{for b in [1]}${b}%{endfor}\""),
        ("\"${ b ? \"c\":\"d${ e }\" }\"", "\"${b ? \"c\" : \"d${e}\"}\""),
        ("\"${{b=1}}\"", "\"${ { b = 1 } }\""),
        ("\"${f({})}\"", "\"${f({})}\""),
        ("\"$${ b } %%{ c }\"", "\"$${ b } %%{ c }\""),
    ]);
}

#[test]
fn blocks_and_labels() {
    story(
        "a{\nb=1\nc   \"d\"   \"e\"{\nf=1\n}\n}\ng{}\nh {i=1}\n",
        "a {\n  b = 1\n  c \"d\" \"e\" {\n    f = 1\n  }\n}\ng {}\nh { i = 1 }\n",
    );
}

#[test]
fn equal_signs_of_one_line_arguments_stand_below_each_other() {
    story(
        r#"
apple=1
fig   = { seed = 1 }
# A comment divides, as an empty line does.
banana=[]
kiwi="${b}"

pear=[
1,
]
plum=2
cherry=f(x)
lime {
}
date=3
"#,
        r#"
apple = 1
fig   = { seed = 1 }
# A comment divides, as an empty line does.
banana = []
kiwi   = "${b}"

pear = [
  1,
]
plum   = 2
cherry = f(x)
lime {
}
date = 3
"#,
    );
    story(
        "a = {\n\"b\"=1\n(c)=2,\n\"d${e}\"=3\nf:4\ng=5,hh=6\niii=7\n{ j = 1 }=8\n}\n",
        "a = {
  \"b\"     = 1
  (c)     = 2,
  \"d${e}\" = 3
  f : 4
  g   = 5, hh = 6
  iii = 7
  { j = 1 } = 8
}
",
    );
    story("a = [\n{ b=1,\nccc = 2\n}\n]\n", "a = [\n  { b   = 1,\n    ccc = 2\n  }\n]\n");
    story("/* a */ b = 1\nccc=2 /* d\n*/\ne=3\n", "/* a */ b = 1\nccc       = 2 /* d\n*/\ne         = 3\n");
}

#[test]
fn columns_are_counted_as_people_see_them() {
    story("é=1\nfig=\"e\u{301}\" # a\nü=\"ab\" # b\n", "é   = 1\nfig = \"e\u{301}\"  # a\nü   = \"ab\" # b\n");
}

#[test]
fn comments_at_the_end_of_lines_stand_below_each_other() {
    story(
        r#"
a = 1# one
bcd = 2      // two
e=3
f = 4    # four
  # alone
g {# open
h = [ 1,2 ]# list
}# close
i = 5 /* inside */
j = 6666 /* inside */   # after
"#,
        r#"
a   = 1 # one
bcd = 2 // two
e   = 3
f   = 4 # four
# alone
g {          # open
  h = [1, 2] # list
}            # close
i = 5 /* inside */
j = 6666 /* inside */ # after
"#,
    );
}

#[test]
fn comments_between_words() {
    values(&[
        ("/* b */1", "/* b */ 1"),
        ("[/* b */]", "[/* b */]"),
        ("{/* b */}", "{ /* b */ }"),
        ("f(/* b */1/* c */,2)", "f(/* b */ 1 /* c */, 2)"),
        ("b/* c */[0]", "b /* c */ [0]"),
        ("\"${/* b */c/* d */}\"", "\"${/* b */ c /* d */}\""),
    ]);
    story("a /* b */=1\n", "a /* b */ = 1\n");
    story("a {\n/* b\n   c */\n}\n", "a {\n  /* b\n   c */\n}\n");
    story("a = (# b\n1)\n", "a = ( # b\n1)\n");
}

#[test]
fn a_line_that_leaves_something_open_indents_once() {
    story(
        r"
a = f(g([{
b = 1
}
], [
2
]),
3
)
c = [1,
2]
d = e ? {
f = 1
} : {
g = 1
}
",
        r"
a = f(g([{
  b = 1
  }
  ], [
  2
  ]),
  3
)
c = [1,
2]
d = e ? {
  f = 1
  } : {
  g = 1
}
",
    );
    story("a = {b=[{\n1=2}],\nc=3}\n", "a = { b = [{\n  1 = 2 }],\nc = 3 }\n");
    story("a = \"${\nb\n}${f(\nc\n)}\"\n", "a = \"${\n  b\n  }${f(\n    c\n)}\"\n");
}

#[test]
fn heredocs_stay_and_their_expressions_are_formatted() {
    story(
        r"
a {
b=<<E
 c ${ d+1 }
     %{ if f }
	g
  %{ endif }
    E
hhh=1
i = f(<<-E
	j
	E
, 2)
}
",
        r"
a {
  b   = <<E
 c ${d + 1}
     %{if f}
	g
  %{endif}
    E
  hhh = 1
  i = f(<<-E
	j
	E
  , 2)
}
",
    );
}

/// What an interpolation in a heredoc opens on one line and closes on another is counted once only.
#[test]
fn an_expression_over_lines_of_a_heredoc_moves_what_follows_as_in_packer() {
    story("a {\nb = <<E\n${\nc\n}\nE\nd=1\n}\n", "a {\n  b = <<E\n${\n  c\n}\nE\nd = 1\n}\n");
}

#[test]
fn lines_and_their_ends_stay() {
    story("\n\na=1\n\n\n\nb=2\n\n", "\n\na = 1\n\n\n\nb = 2\n\n");
    story("a=1  \n\t\nbb=2", "a = 1\n\nbb = 2");
    story("a=1# b\r\ncc {\r\nd = <<E\r\n  e\r\nE\r\n}\r\n", "a = 1 # b\r\ncc {\r\n  d = <<E\r\n  e\r\nE\r\n}\r\n");
    // The comment's own blanks are its text; those after the last line stay as well.
    story("# a  \nb=1\n  ", "# a  \nb = 1\n  ");
    story("", "");
}

#[test]
fn a_byte_order_mark_is_dropped() {
    story("\u{feff}  a=1\nbb=2\n", "a  = 1\nbb = 2\n");
    story("\u{feff}", "");
}

#[test]
fn a_text_with_mistakes_is_not_formatted() {
    assert_eq!(
        format("a=1\nb = [\nc = 'd'\n"),
        Err(vec!["this `[` is never closed".to_owned(), "strings can't have single quotes".to_owned()])
    );
}

#[test]
fn a_small_text_may_not_become_a_huge_one() {
    let short: String = (0..2000).map(|index| format!("b{index}=1\n")).collect();
    let text = format!("{}=1\n{short}", "a".repeat(40_000));
    assert_eq!(format(&text), Err(vec!["formatted, this text is larger than 64 MiB".to_owned()]));
    let text = format!("{}=1\n\n{short}", "a".repeat(40_000));
    assert!(format(&text).is_ok());
}
