//! What expressions evaluate to, and what is said of those that do not.

use super::tree::*;
use super::world::{empty, scope, show};
use super::*;
use crate::scope::Functions;

/// The value, or what is wrong.
fn run_in(scope: &Scope, node: Node) -> String {
    let mut written = Written::default();
    let expression = written.write(node);
    let mut diagnostics = Diagnostics::default();
    let value = evaluate(&expression, scope, &mut diagnostics);
    if diagnostics.is_empty() { show(&value) } else { written.show(diagnostics) }
}

fn run(node: Node) -> String {
    run_in(&scope(), node)
}

fn v(path_text: &'static str) -> Node {
    path(&path_text.split('.').collect::<Vec<_>>())
}

fn n(text: &'static str) -> Node {
    number(text)
}

fn s(text: &'static str) -> Node {
    string(text)
}

#[test]
fn arithmetic_converts_its_operands() {
    assert_eq!(run(binary(s("1"), "+", n("2"))), "3");
    assert_eq!(run(binary(n("0.1"), "+", n("0.2"))), "0.3");
    assert_eq!(run(binary(n("1"), "/", n("0"))), "+Inf");
    assert_eq!(run(unary("-", s("5"))), "-5");
    assert_eq!(run(unary("!", s("false"))), "true");
    assert_eq!(run(binary(n("2"), ">=", s("2"))), "true");
    assert_eq!(
        run(binary(boolean(true), "+", v("nulls"))),
        "`true` invalid-operand: wrong left side of `+`: a number is required, not a bool\n\
         `nulls` invalid-operand: the right side of `+` is null"
    );
    assert_eq!(
        run(binary(n("0"), "/", n("0"))),
        "`/` invalid-operation: this has no result: zero and infinity cancel each other"
    );
    assert_eq!(run(binary(n("1e19000"), "*", n("1e19000"))), "`*` invalid-operation: the result is too large");
}

#[test]
fn equality_does_not_convert() {
    assert_eq!(run(binary(s("1"), "==", n("1"))), "false");
    assert_eq!(run(binary(v("list"), "==", tuple([s("a"), s("b")]))), "false");
    assert_eq!(run(binary(object([("a", n("1"))]), "==", object([("a", n("1.0"))]))), "true");
    assert_eq!(run(binary(v("nulls"), "==", null())), "true");
    assert_eq!(run(binary(v("unk"), "!=", v("unk"))), "unknown bool");
}

#[test]
fn what_is_decided_does_not_look_further() {
    assert_eq!(run(binary(boolean(true), "||", v("nonsense"))), "true");
    assert_eq!(run(binary(s("false"), "&&", v("nonsense"))), "false");
    assert_eq!(run(binary(binary(v("unk"), "==", s("x")), "||", boolean(true))), "true");
    assert_eq!(run(binary(boolean(true), "&&", binary(v("unk"), "==", s("x")))), "unknown bool");
}

#[test]
fn conditions_give_both_branches_one_type() {
    assert_eq!(run(conditional(boolean(true), n("1"), s("a"))), "\"1\"");
    assert_eq!(run(conditional(boolean(true), tuple([n("1")]), tuple([]))), "list[1]");
    assert_eq!(run(conditional(boolean(true), null(), s("x"))), "null string");
    assert_eq!(run(conditional(boolean(true), n("1"), call("upper", [null()]))), "1");
    assert_eq!(run(conditional(v("dyn"), n("1"), n("2"))), "unknown number");
    assert_eq!(run(conditional(binary(v("sec"), "==", s("x")), n("1"), n("2"))), "sensitive 2");
    assert_eq!(
        run(conditional(s("x"), n("1"), n("2"))),
        "`\"x\"` invalid-condition: the condition must be true or false, not a string"
    );
    assert_eq!(
        run(conditional(boolean(true), tuple([]), object([]))),
        "`true ? [] : { }` incompatible-branches: the two results of this condition have no type in common (make both results of one type)"
    );
}

#[test]
fn templates_join_text() {
    let joined = template([text("a"), interpolation(boolean(true)), text("b"), interpolation(n("1.50"))]);
    assert_eq!(run(joined), "\"atrueb1.5\"");
    assert_eq!(run(template([interpolation(v("list"))])), "list[\"a\", \"b\"]");
    assert_eq!(run(template([text("a"), interpolation(v("unk"))])), "unknown string");
    assert_eq!(run(template([text("a"), interpolation(v("sec"))])), "sensitive \"as3cret\"");
    assert_eq!(
        run(template([text("a"), interpolation(v("nulls")), interpolation(v("list"))])),
        "`nulls` invalid-interpolation: this is null, which has no text (use `coalesce` or a condition to say what stands here then)\n\
         `list` invalid-interpolation: this cannot stand inside a string: a string is required, not a list of string (join its elements, as in `join(\", \", …)`, or use `jsonencode`)"
    );
}

#[test]
fn templates_have_directives() {
    let is_a = if_part(binary(v("x"), "==", s("a")), vec![text("A")], vec![interpolation(v("x"))]);
    let each = for_part("i", "x", v("list"), vec![interpolation(v("i")), text("="), is_a, text(";")]);
    assert_eq!(run(template([text("> "), each])), "\"> 0=A;1=b;\"");
    let wrong = for_part("i", "x", v("list"), vec![interpolation(v("y"))]);
    assert_eq!(
        run(template([wrong, text("")])),
        "`y` undefined-reference: there is no `y` here (put it in quotes if `y` is meant as a text)"
    );
}

#[test]
fn objects_take_expressions_as_keys() {
    assert_eq!(run(object_of([(n("1"), n("2")), (boolean(true), n("3"))])), "{1 = 2, true = 3}");
    assert_eq!(
        run(object([("a", n("1")), ("a", n("2"))])),
        "`a` duplicate-key: the key `a` is here twice: the first value is lost (delete one of the two)"
    );
    assert_eq!(run(object_of([(v("sec"), n("1"))])), "sensitive {s3cret = 1}");
    assert_eq!(
        run(object_of([(parentheses(null()), n("1")), (v("obj.s"), n("1"))])),
        "`(null)` invalid-key: a key must not be null\n\
         `obj.s` ambiguous-key: this key may be a name or a reference (put it in parentheses to use its value, in quotes to use it as a name)"
    );
}

#[test]
fn for_goes_through_collections_in_order() {
    assert_eq!(run(for_tuple(None, "x", v("list"), call("upper", [v("x")]))), "[\"A\", \"B\"]");
    assert_eq!(run(for_tuple(Some("i"), "x", v("set"), v("i"))), "[\"a\", \"b\"]");
    assert_eq!(run(for_tuple(Some("k"), "x", v("obj"), v("k"))), "[\"l\", \"n\", \"nul\", \"s\"]");
    assert_eq!(run(for_tuple(None, "x", v("unkl"), v("x"))), "unknown");
    assert_eq!(run(for_tuple(None, "x", v("secl"), v("x"))), "[sensitive \"a\", \"b\"]");
    let unequal = binary(v("x"), "!=", s("a"));
    assert_eq!(run(for_with(None, "x", v("list"), None, v("x"), Some(unequal))), "[\"b\"]");
    let swapped = for_with(Some("k"), "x", v("map"), Some((v("x"), false)), v("k"), None);
    assert_eq!(run(swapped), "{b = \"a\", v = \"k\"}");
}

#[test]
fn for_finds_equal_keys_unless_it_gathers_them() {
    let letters = || tuple([s("a"), s("b"), s("a")]);
    let gathered = for_with(Some("i"), "x", letters(), Some((v("x"), true)), v("i"), None);
    assert_eq!(run(gathered), "{a = [0, 2], b = [1]}");
    assert_eq!(
        run(for_with(None, "x", letters(), Some((v("x"), false)), v("x"), None)),
        "`x` duplicate-key: two elements give the same key `a` (write `...` after the value to gather the values of equal keys)"
    );
}

#[test]
fn for_needs_a_collection_and_says_each_mistake_once() {
    assert_eq!(
        run(for_tuple(None, "x", s("abc"), v("x"))),
        "`\"abc\"` not-iterable: a string has no elements to go through (a list, set, tuple, map or object is needed here)"
    );
    assert_eq!(
        run(for_tuple(None, "x", v("list"), binary(v("x"), "+", n("1")))),
        "`x` invalid-operand: wrong left side of `+`: a number is required, and this string does not hold one"
    );
}

#[test]
fn splats_reach_into_elements() {
    let ids = |on: Node| splat(on, attribute(element(), "id"));
    assert_eq!(run(ids(v("obj.l"))), "[\"i1\", \"i2\"]");
    assert_eq!(run(splat(v("list"), element())), "list[\"a\", \"b\"]");
    assert_eq!(run(splat(null(), element())), "[]");
    assert_eq!(run(splat(v("obj"), attribute(element(), "s"))), "[\"x\"]");
    assert_eq!(run(splat(v("secl"), element())), "list[sensitive \"a\", \"b\"]");
    assert_eq!(run(ids(v("unkl"))), "`id` unknown-attribute: a string has no attributes");
    assert_eq!(run(ids(v("dyn"))), "unknown");
    let rows = tuple([tuple([n("1"), n("2")]), tuple([n("3"), n("4")])]);
    assert_eq!(run(index(splat(rows, element()), n("1"))), "[3, 4]");
}

#[test]
fn indexes_and_attributes() {
    assert_eq!(run(index(v("list"), s("0"))), "\"a\"");
    assert_eq!(run(index(v("map"), s("k"))), "\"v\"");
    assert_eq!(run(attribute(index(v("obj.l"), n("1")), "id")), "\"i2\"");
    assert_eq!(run(v("unko.a")), "unknown string");
    assert_eq!(run(index(v("dyn"), n("0"))), "unknown");
    assert_eq!(run(index(v("unkl"), n("7"))), "unknown string");
    assert_eq!(run(index(v("secl"), n("0"))), "sensitive \"a\"");
    assert_eq!(run(index(v("list"), n("-1"))), "`-1` invalid-index: an index must not be negative");
    assert_eq!(run(index(v("list"), n("0.5"))), "`0.5` invalid-index: an index must be a whole number");
    assert_eq!(
        run(index(v("list"), n("2"))),
        "`2` invalid-index: there is no element 2: this has 2 elements, counted from 0"
    );
    assert_eq!(run(index(v("map"), s("x"))), "`\"x\"` invalid-index: there is no `x` in this map");
    assert_eq!(run(v("obj.nul.x")), "`x` null-value: this value is null, so it has no attributes");
    assert_eq!(run(v("unk.foo")), "`foo` unknown-attribute: a string has no attributes");
    assert_eq!(
        run(v("obj.l.id")),
        "`id` unknown-attribute: a tuple has no attributes (write `[*].id` for the `id` of each element, or `[0].id` for that of the first)"
    );
    assert_eq!(
        run(index(v("set"), n("0"))),
        "`0` invalid-index: a set has no order, so it cannot be indexed; `convert(…, list(any))` makes a list of it"
    );
}

#[test]
fn undefined_names_are_found_where_they_stand() {
    assert_eq!(
        run(v("var.rgion")),
        "`rgion` undefined-variable: there is no variable `rgion` (did you mean `region`?)"
    );
    assert_eq!(
        run(v("var.zone")),
        "`zone` undefined-variable: there is no variable `zone` (declare it with `variable \"zone\" {}`)"
    );
    assert_eq!(run(v("local.nme")), "`nme` undefined-local: there is no local `nme` (did you mean `name`?)");
    assert_eq!(
        run(v("data.http.pge.body")),
        "`pge` undefined-data-source: there is no data source `http` named `pge` (did you mean `page`?)"
    );
    assert_eq!(
        run(v("data.htp.page")),
        "`htp` undefined-data-source: no data source of type `htp` is declared (did you mean `http`?)"
    );
    assert_eq!(
        run(v("data.http.page.boby")),
        "`boby` unknown-attribute: this object has no attribute `boby` (did you mean `body`?)"
    );
    assert_eq!(
        run(v("build.ID")),
        "`build` undefined-reference: `build` is not available here (`build` is known inside provisioners and post-processors)"
    );
    assert_eq!(run(v("lst")), "`lst` undefined-reference: there is no `lst` here (did you mean `list`?)");
    assert_eq!(run(v("region")), "`region` undefined-reference: there is no `region` here (write `var.region`)");
    // A name bound by `for` is no variable.
    let hidden = for_tuple(None, "var", v("obj.l"), v("var.x"));
    assert_eq!(run(hidden), "`x` unknown-attribute: this object has no attribute `x`");
}

#[test]
fn all_mistakes_of_an_expression_are_told() {
    let list = tuple([v("var.a"), call("uper", [v("var.b")]), index(v("list"), n("9")), broken()]);
    assert_eq!(
        run(list),
        "`a` undefined-variable: there is no variable `a` (declare it with `variable \"a\" {}`)\n\
         `uper` unknown-function: there is no function `uper` (did you mean `upper`?)\n\
         `b` undefined-variable: there is no variable `b` (declare it with `variable \"b\" {}`)\n\
         `9` invalid-index: there is no element 9: this has 2 elements, counted from 0"
    );
}

#[test]
fn calls_check_their_arguments() {
    assert_eq!(run(call("upper", [n("1")])), "\"1\"");
    assert_eq!(run(call_expanded("max", [tuple([n("1"), s("5"), n("2")])])), "5");
    assert_eq!(run(call_expanded("max", [v("dyn")])), "unknown number");
    assert_eq!(run(call("upper", [v("unk")])), "unknown string");
    assert_eq!(run(call("max", [n("1"), v("dyn")])), "unknown number");
    assert_eq!(run(call("upper", [null()])), "`null` invalid-argument: `string` of `upper`: this must not be null");
    assert_eq!(run(call("upper", [])), "`()` argument-count: `string` is missing: `upper` takes 1 argument, not 0");
    assert_eq!(run(call("upper", [s("a"), s("b")])), "`\"b\"` argument-count: `upper` takes 1 argument, not 2");
    assert_eq!(run(call_expanded("upper", [v("list")])), "`list` argument-count: `upper` takes 1 argument, not 2");
    assert_eq!(
        run(call("range", [s("x"), v("list")])),
        "`\"x\"` invalid-argument: `limit` of `range`: a number is required, and this string does not hold one\n\
         `list` invalid-argument: `limit` of `range`: a number is required, not a list of string"
    );
    assert_eq!(run(call_expanded("max", [tuple([])])), "`max` function-failed: `max`: at least one number is needed");
    assert_eq!(
        run(call("tostring", [n("1")])),
        "`tostring` unknown-function: there is no function `tostring` (write `convert(…, string)`)"
    );
    assert_eq!(run(call("vault", [s("x"), s("y")])), "sensitive unknown string");
}

#[test]
fn functions_are_allowed_by_place() {
    assert_eq!(
        run(call("env", [s("HOME")])),
        "`env` function-not-allowed: `env` may only be used in the default of a variable (declare a variable with this default, and refer to that)"
    );
    let default = empty(Functions::EnvironmentOnly).with("var", Value::object([("a", Value::number(1))]));
    assert_eq!(run_in(&default, call("env", [s("REGION")])), "\"eu-central-1\"");
    assert_eq!(run_in(&default, call("env", [s("NONE")])), "\"\"");
    assert_eq!(
        run_in(&default, tuple([call("upper", [s("x")]), v("var.a"), for_tuple(None, "x", tuple([]), v("x"))])),
        "`upper` function-not-allowed: `upper` cannot be called in the default of a variable (only `env` can; compute the rest in `locals`)\n\
         `var.a` reference-not-allowed: the default of a variable cannot refer to other values (compute what depends on others in `locals`)"
    );
    let given = empty(Functions::None);
    assert_eq!(
        run_in(&given, tuple([call("env", [s("x")]), v("abc")])),
        "`env` function-not-allowed: a value given from outside cannot call functions (write the value itself)\n\
         `abc` reference-not-allowed: a value given from outside cannot refer to others (put strings in quotes)"
    );
}

#[test]
fn lazy_functions_look_at_expressions() {
    assert_eq!(run(call("try", [v("bogus"), s("d")])), "\"d\"");
    assert_eq!(run(call("try", [v("unk"), s("d")])), "unknown");
    assert_eq!(run(call("try", [v("obj.zz"), v("sec")])), "sensitive \"s3cret\"");
    assert_eq!(run(call("can", [v("obj.missing")])), "false");
    assert_eq!(run(call("can", [v("unk")])), "unknown bool");
    assert_eq!(run(call("can", [binary(n("1"), "/", n("0"))])), "true");
    assert_eq!(
        run(call("try", [v("bogus"), v("obj.zz")])),
        "`try(bogus, obj.zz)` function-failed: none of these expressions can be evaluated (end with one that always can, such as `null`)"
    );
    assert_eq!(run(call("convert", [tuple([s("b"), s("a")]), call("set", [v("string")])])), "set[\"a\", \"b\"]");
    assert_eq!(
        run(call("convert", [tuple([n("1"), s("x")]), call("list", [v("number")])])),
        "`[1, \"x\"]` invalid-argument: this cannot be converted: [1]: a number is required, and this string does not hold one"
    );
    let b_is_optional = call("object", [object([("b", call("optional", [v("string")]))])]);
    assert_eq!(
        run(call("convert", [object([]), b_is_optional])),
        "`{ }` invalid-argument: this cannot be converted: the attribute `b` is required (`optional` counts in the type of a variable only: give each attribute a value)"
    );
    assert_eq!(
        run(call("convert", [s("x"), v("strng")])),
        "`strng` invalid-type: there is no type `strng` (did you mean `string`?)"
    );
}

#[test]
fn marks_go_where_values_go() {
    assert_eq!(run(tuple([v("sec")])), "[sensitive \"s3cret\"]");
    assert_eq!(run(call("length", [v("secl")])), "sensitive 2");
    assert_eq!(run(call("keys", [object([("a", v("sec"))])])), "[\"a\"]");
    assert_eq!(run(call("values", [object([("a", v("sec"))])])), "[sensitive \"s3cret\"]");
    assert_eq!(run(call("jsonencode", [object([("a", v("sec"))])])), "sensitive \"{\\\"a\\\":\\\"s3cret\\\"}\"");
    assert_eq!(
        run(call("merge", [object([("a", v("sec"))]), object([("b", n("1"))])])),
        "{a = sensitive \"s3cret\", b = 1}"
    );
    assert_eq!(run(call("contains", [v("secl"), s("b")])), "sensitive true");
    assert_eq!(
        run(call("file", [v("sec")])),
        "`sec` invalid-argument: `path` of `file`: there is no file at this path (paths are relative to the folder of the template)"
    );
    assert_eq!(run(index(v("obj"), v("sec"))), "`sec` invalid-index: there is no such key in this object");
}

#[test]
fn unknown_parts_leave_the_rest_known() {
    assert_eq!(run(call("length", [tuple([v("unk")])])), "1");
    assert_eq!(run(call("merge", [object([("a", v("unk"))]), object([("b", n("1"))])])), "{a = unknown string, b = 1}");
    assert_eq!(run(call("join", [s(","), tuple([v("unk"), s("a")])])), "unknown string");
    assert_eq!(run(binary(v("dyn"), "*", n("2"))), "unknown number");
}

/// As [`run`], with three quarters of the stack that threads have by default; what makes the tree has more.
fn run_on_small_stack(make: impl FnOnce() -> Node + Send + 'static) -> String {
    let large = std::thread::Builder::new().stack_size(256 << 20);
    let run = move || {
        let mut written = Written::default();
        let expression = written.write(make());
        let mut diagnostics = Diagnostics::default();
        let value = std::thread::scope(|threads| {
            let small = std::thread::Builder::new().stack_size(1536 << 10);
            let evaluated = small.spawn_scoped(threads, || show(&evaluate(&expression, &scope(), &mut diagnostics)));
            evaluated.expect("a thread").join().expect("a value")
        });
        if diagnostics.is_empty() { value } else { written.show(diagnostics) }
    };
    large.spawn(run).expect("a thread").join().expect("a value")
}

#[test]
fn long_chains_are_walked() {
    let sum = || (0..3000).fold(n("0"), |sum, _| binary(sum, "+", n("1")));
    assert_eq!(run_on_small_stack(sum), "3000");
    let chain = || (0..3000).fold(v("dyn"), |on, _| attribute(on, "a"));
    assert_eq!(run_on_small_stack(chain), "unknown");
}

#[test]
fn deep_nesting_fits_the_stack_or_is_refused() {
    type Wrap = fn(Node) -> Node;
    let wraps: [(&str, Wrap); 13] = [
        ("tuple", |inner| tuple([inner])),
        ("object", |inner| object([("a", inner)])),
        ("key", |inner| object_of([(inner, null())])),
        ("call", |inner| call("coalesce", [inner])),
        ("call of a tuple", |inner| call("coalesce", [tuple([inner])])),
        ("try", |inner| call("try", [inner])),
        ("convert", |inner| call("convert", [inner, v("any")])),
        ("conditional", |inner| conditional(boolean(true), inner, null())),
        ("for", |inner| for_tuple(None, "x", tuple([n("1")]), inner)),
        ("template", |inner| template([text("a"), interpolation(inner)])),
        ("directive", |inner| template([text("a"), for_part("k", "x", tuple([n("1")]), vec![interpolation(inner)])])),
        ("index", |inner| index(tuple([n("1")]), inner)),
        ("splat", |inner| splat(tuple([n("1")]), inner)),
    ];
    for (name, wrap) in wraps {
        // Far deeper than is allowed: the limit has to hold.
        let message = run_on_small_stack(move || (0..2000).fold(n("0"), |inner, _| wrap(inner)));
        assert!(message.contains("too-deep") || name == "try", "{name}: {message}");
    }
}

#[test]
fn large_values_are_refused() {
    let doubled = (0..40).fold(n("1"), |inner, _| for_tuple(None, "x", tuple([inner]), tuple([v("x"), v("x")])));
    let message = run(doubled);
    assert!(message.contains("too-large: this value is too large"), "{message}");
    let numbers = || call("range", [n("1024")]);
    let endless =
        for_tuple(None, "a", numbers(), for_tuple(None, "b", numbers(), for_tuple(None, "c", numbers(), n("1"))));
    let message = run(endless);
    assert!(message.ends_with("too-large: this takes too long to evaluate"), "{message}");
    // What a function reads costs, and some cost more than it shows.
    for costly in [call("length", [v("big")]), call("fileset", [s("."), s("*")])] {
        let often = for_tuple(None, "a", numbers(), for_tuple(None, "b", call("range", [n("8")]), costly));
        let message = run(for_tuple(None, "big", tuple([numbers()]), often));
        assert!(message.ends_with("too-large: this takes too long to evaluate"), "{message}");
    }
}
