use super::*;
use crate::diagnostic::Diagnostic;
use crate::host::FileStatus;
use crate::secret_store::SecretStores;
use crate::source::{Origin, Sources};
use crate::syntax::ExpressionKind;
use std::io;
use std::path::Path;

/// A world of one folder and one environment variable.
struct World;

impl Host for World {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn status(&self, _: &Path) -> io::Result<FileStatus> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn environment(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| "/home/forge".to_owned())
    }

    fn started(&self) -> i64 {
        1_614_834_367
    }

    fn now(&self) -> i64 {
        0
    }

    fn working_directory(&self) -> PathBuf {
        "/work".into()
    }

    fn uuid(&self) -> String {
        "6e57-uuid".to_owned()
    }
}

/// The context of a JSON builder with the variables `region` (`eu-west-1`), `name` (`Box`), `empty` and `later`.
pub(super) fn context() -> GoContext {
    let value = |text: &str| Some(text.to_owned());
    GoContext {
        host: Arc::new(World),
        user: User::Variables {
            values: Arc::new(
                [("region", value("eu-west-1")), ("name", value("Box")), ("empty", value("")), ("later", None)]
                    .map(|(name, value)| (name.to_owned(), value))
                    .into(),
            ),
            undeclared: Severity::Warning,
        },
        environment_allowed: false,
        secrets: None,
        build_name: Some("web".to_owned()),
        build_type: Some("qemu".to_owned()),
        template_dir: Some("./images/../images".into()),
        build_values: BuildValues::Later(["ID".to_owned(), "Host".to_owned()].into()),
        resource_names: None,
    }
}

fn render_in(source: &str, context: &GoContext, fields: &Fields<'_>) -> String {
    let sources = Sources::default();
    // Whatever stands before the string moves all places.
    let file = sources.add("t.json", Origin::File, format!("0123456789{source}"));
    let mut text = Text::new(file);
    text.push_verbatim(source, 10);
    let mut diagnostics = Diagnostics::default();
    let template = GoTemplate::parse(Arc::new(text), &mut diagnostics);
    let rendered = template.render(context, fields, &mut diagnostics);
    let mut out = match rendered {
        Some(text) => text,
        None => "(nothing)".to_owned(),
    };
    for diagnostic in diagnostics.into_sorted() {
        out.push('\n');
        out.push_str(&show(&sources, &diagnostic));
    }
    out
}

/// Column from 1 in the string, code, message, text pointed at, help.
fn show(sources: &Sources, diagnostic: &Diagnostic) -> String {
    let span = diagnostic.primary.as_ref().unwrap().span;
    let severity = if diagnostic.severity == Severity::Warning { "warning " } else { "" };
    let column = sources.position(span.file, span.start).column - 10;
    let (code, message, help) = (diagnostic.code, &diagnostic.message, diagnostic.help.as_deref().unwrap_or("no help"));
    format!("{column}: {severity}{code}: {message} <{}> {help}", sources.slice(span))
}

fn render(source: &str) -> String {
    render_in(source, &context(), &Fields::None)
}

fn with_fields(source: &str) -> String {
    let values = [("Path", "/tmp/x.sh"), ("Vars", "A=1 "), ("Empty", "")];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    render_in(source, &context(), &Fields::Values(values))
}

#[test]
fn functions_of_packer() {
    assert_eq!(render("plain } text }}"), "plain } text }}");
    assert_eq!(render("{{user `region`}}-{{ user \"name\" }}"), "eu-west-1-Box");
    assert_eq!(render("{{timestamp}} {{isotime}}"), "1614834367 2021-03-04T05:06:07Z");
    assert_eq!(render("{{isotime \"2006-01-02\"}} {{strftime `%H:%M`}}"), "2021-03-04 05:06");
    assert_eq!(
        render("{{strftime `%Y-%Q`}}"),
        "2021-%Q\n13: warning go-template-value: `%Q` is nothing that `strftime` knows, and stays as it is <%Y-%Q> write `%%` for a percent sign"
    );
    assert_eq!(render("{{build_name}} {{build_type}} {{uuid}} {{packer_version}}"), "web qemu 6e57-uuid 1.16.0");
    assert_eq!(render("{{template_dir}} {{pwd}}"), "/work/images /work");
    assert_eq!(render("{{user `name` | upper}} {{lower (user `name`)}} {{upper `größe ß`}}"), "BOX box GRÖßE ß");
    assert_eq!(render("{{split build_name `e` 1}}{{split (user `region`) \"-\" 0}}"), "beu");
    assert_eq!(
        render("{{replace `-` `.` 1 (user `region`)}} {{user `region` | replace_all `-` `` }}"),
        "eu.west-1 euwest1"
    );
    assert_eq!(render("{{replace `` `.` -1 `ab`}} {{split `añb` `` 1}}"), ".a.b. ñ");
}

#[test]
fn clean_names_follow_the_builder() {
    let clean = |rule, name: &str| {
        let context = GoContext { resource_names: rule, ..context() };
        render_in(&format!("{{{{clean_resource_name `{name}`}}}}"), &context, &Fields::None)
    };
    assert_eq!(clean(Some(ResourceNames::Amazon), "a:b_c d@e#é"), "a-b_c d@e---");
    assert_eq!(clean(Some(ResourceNames::Azure), "a:b_c d-_."), "a-b_c-d");
    assert_eq!(clean(Some(ResourceNames::Google), "my-image-1"), "my-image-1");
    assert_eq!(clean(Some(ResourceNames::Google), "My_Image:1"), "my-image-1");
    assert_eq!(
        clean(None, "x"),
        "(nothing)\n3: undefined-function: there is no function `clean_resource_name` here <clean_resource_name> only the builders of AWS, Azure and Google Cloud have it; use `replace_all` and `lower`"
    );
}

#[test]
fn undeclared_variables_are_found_inside_the_quotes() {
    assert_eq!(
        render("a{{user `regoin`}}b{{user \"zzz\" | upper}}"),
        "ab
10: warning undefined-variable: nothing gives the variable `regoin` a value, which leaves this empty <regoin> did you mean `region`?
28: warning undefined-variable: nothing gives the variable `zzz` a value, which leaves this empty <zzz> declare it: `\"zzz\": \"…\"` in `variables`"
    );
    let mut strict = context();
    if let User::Variables { undeclared, .. } = &mut strict.user {
        *undeclared = Severity::Error;
    }
    assert_eq!(
        render_in("{{user (print `na` `em`)}}", &strict, &Fields::None),
        "(nothing)\n8: undefined-variable: there is no variable `naem` <(print `na` `em`)> did you mean `name`?"
    );
}

#[test]
fn what_is_not_known_is_no_mistake() {
    assert_eq!(render("{{user `later`}}"), "(nothing)");
    assert_eq!(render("x{{split (user `later`) `-` 7}}"), "(nothing)");
    assert_eq!(render("{{$x := user `later`}}known"), "known");
    assert_eq!(render("{{build `ID`}}"), "(nothing)");
    // Both branches are looked into for names, but what depends on values may never happen there.
    assert_eq!(
        render("{{if eq (user `later`) `a`}}{{user `nam`}}{{else}}{{split `a` `b` 3}}{{end}}"),
        "(nothing)\n37: warning undefined-variable: nothing gives the variable `nam` a value, which leaves this empty <nam> did you mean `name`?"
    );
    assert_eq!(render("{{$x := `a`}}{{if user `later`}}{{$x = `b`}}{{end}}{{$x}}"), "(nothing)");
    assert_eq!(render("{{or (user `later`) `x`}}{{and (user `empty`) (user `later`)}}"), "(nothing)");
    assert_eq!(render("{{and (user `empty`) (user `later`)}}{{or `x` (user `later`)}}"), "x");
}

#[test]
fn values_of_the_build() {
    assert_eq!(
        render("{{build `IDs`}}{{build `Port`}}"),
        "(nothing)
10: unknown-build-value: a build has no value `IDs` here <IDs> did you mean `ID`?
25: unknown-build-value: a build has no value `Port` here <Port> there are `ID`, `Host`"
    );
    let known = BuildValues::Known([("ID".to_owned(), "i-1".to_owned())].into());
    assert_eq!(render_in("{{build `ID`}}", &GoContext { build_values: known, ..context() }, &Fields::None), "i-1");
}

#[test]
fn fields() {
    assert_eq!(with_fields("chmod +x {{.Path}}; {{ .Vars }}{{$.Path}}"), "chmod +x /tmp/x.sh; A=1 /tmp/x.sh");
    assert_eq!(with_fields("{{if .Empty}}a{{else if .Vars}}b{{else}}c{{end}}{{with .Path}}{{.}}{{end}}"), "b/tmp/x.sh");
    assert_eq!(
        with_fields("{{range $k, $v := .}}{{$k}}={{$v}};{{end}}{{.}}"),
        "Empty=;Path=/tmp/x.sh;Vars=A=1 ;map[Empty: Path:/tmp/x.sh Vars:A=1 ]"
    );
    assert_eq!(with_fields("{{index . `Path`}}{{index . `No`}}"), "/tmp/x.sh");
    assert_eq!(
        with_fields("{{.Pth}}{{.Path.X}}"),
        "(nothing)
3: unknown-field: `.Pth` is not available here <.Pth> did you mean `.Path`?
16: go-template-value: there is no `.X` here: fields are read from text <.X> `$` is the set of all fields"
    );
    let names = Fields::Names(&["Path", "Vars", "Tags.Name"]);
    assert_eq!(render_in("{{.Path}} {{.Tags.Name}} {{if .Vars}}{{.}}{{end}}", &context(), &names), "(nothing)");
    assert_eq!(
        render_in("{{.Scripts}}", &context(), &names),
        "(nothing)\n3: unknown-field: `.Scripts` is not available here <.Scripts> there are `.Path`, `.Vars`, `.Tags.Name`"
    );
    assert_eq!(
        render("{{ .Path }}"),
        "(nothing)\n4: unknown-field: `.Path` is not available here <.Path> this option has no fields; variables are read by {{user `name`}}"
    );
}

#[test]
fn fields_that_are_kept_are_written_again() {
    assert_eq!(
        render_in("http://{{ .HTTPIP }}:{{.HTTPPort}}/{{build_name}}/{{.Tags.Name}}", &context(), &Fields::Kept),
        "http://{{.HTTPIP}}:{{.HTTPPort}}/web/{{.Tags.Name}}"
    );
    assert_eq!(render_in("{{ .Path }}{{env `HOME`}}", &context(), &Fields::Kept).lines().next(), Some("(nothing)"));
}

#[test]
fn what_each_place_allows() {
    assert_eq!(
        render("{{env `HOME`}}"),
        "(nothing)\n3: function-not-allowed: the environment is not available here <env> read it in `variables`, and use the variable here by {{user `name`}}"
    );
    let variables = GoContext { environment_allowed: true, build_name: None, ..context() };
    assert_eq!(render_in("{{env `HOME`}}{{env `NO`}}", &variables, &Fields::None), "/home/forge");
    assert_eq!(
        render_in("{{build_name}}", &variables, &Fields::None),
        "(nothing)\n3: function-not-allowed: `build_name` is not available here, outside of any build <build_name> builders, provisioners and post-processors can use it"
    );
    let hcl =
        GoContext { user: User::Forbidden, template_dir: None, build_values: BuildValues::Forbidden, ..context() };
    assert_eq!(
        render_in("{{user `a`}}{{env `B`}}{{template_dir}}{{build `ID`}}{{.X}}{{build_name}}", &hcl, &Fields::None),
        "(nothing)
3: function-not-allowed: `user` is not available in HCL2 <user> use `${var.a}`
15: function-not-allowed: the environment is not available here <env> read it in the default of a variable, by `env(\"NAME\")`, and use `${var.name}`
26: function-not-allowed: `template_dir` is not available in HCL2 <template_dir> use `${path.root}`
42: function-not-allowed: `build` is not available here <build> use `${build.ID}` and the like, in provisioners and post-processors
56: unknown-field: `.X` is not available here <.X> this option has no fields; variables are read by `${var.name}`"
    );
    assert_eq!(
        render("{{`x` | sed}}"),
        "(nothing)\n9: unsupported-function: Packer took `sed` away <sed> use `replace_all`: {{replace_all `old` `new` (user `name`)}}"
    );
}

#[derive(Debug)]
struct Paper;

impl SecretStores for Paper {
    fn read(&self, function: &str, arguments: &[&str]) -> Result<String, String> {
        if arguments == ["lost"] {
            Err("the page is gone".to_owned())
        } else {
            Ok(format!("{function}({arguments:?})"))
        }
    }
}

#[test]
fn secrets_are_read_in_variables_alone() {
    let variables = GoContext { environment_allowed: true, ..context() };
    let text = "{{vault `a` `b`}} {{aws_secretsmanager `a`}} {{consul_key `k`}}";
    assert_eq!(render_in(text, &variables, &Fields::None), "(nothing)");
    let variables = GoContext { secrets: Some(Arc::new(Paper)), ..variables };
    assert_eq!(
        render_in(text, &variables, &Fields::None),
        "vault([\"a\", \"b\"]) aws_secretsmanager([\"a\"]) consul_key([\"k\"])"
    );
    assert_eq!(
        render_in("{{consul_key `lost`}}", &variables, &Fields::None),
        "(nothing)\n3: network-function: `consul_key`: the page is gone <consul_key> read it with `consul kv get` in the CI job, and give it by `-var` or the environment"
    );
    assert_eq!(
        render("{{vault `a` `b`}}"),
        "(nothing)\n3: function-not-allowed: `vault` is not available here <vault> read it in `variables`, and use the variable here by {{user `name`}}"
    );
    let hcl = GoContext { user: User::Forbidden, ..context() };
    assert_eq!(
        render_in("{{vault `a` `b`}}", &hcl, &Fields::None),
        "(nothing)\n3: function-not-allowed: `vault` is not available here <vault> use `${vault(…)}`"
    );
}

#[test]
fn wrong_names_and_counts() {
    assert_eq!(
        render("{{usr `a`}} {{user}} {{upper `a` `b`}} {{timestamp `x`}} {{split `a` `b` `c`}} {{upper 1}} {{$y}} {{foo_bar | upper}}"),
        "(nothing)
3: undefined-function: there is no function `usr` <usr> did you mean `user`?
15: argument-count: `user` takes 1 argument, not 0 <user> arguments follow the name, separated by spaces; a `|` adds one at the end
24: argument-count: `upper` takes 1 argument, not 2 <upper> arguments follow the name, separated by spaces; a `|` adds one at the end
42: argument-count: `timestamp` takes no arguments, not 1 <timestamp> arguments follow the name, separated by spaces; a `|` adds one at the end
74: argument-type: argument 3 of `split` has to be a whole number <`c`> write it without quotes
88: argument-type: argument 1 of `upper` has to be text <1> put backticks round it
94: undefined-variable: there is no variable `$y` here <$y> set it first: `{{$y := …}}`
101: undefined-function: there is no function `foo_bar` <foo_bar> text stands in backticks, variables are read by `user`, fields begin with a dot"
    );
    assert_eq!(functions::find("isotime").unwrap().wanted(), "0 or 1 argument");
    assert_eq!(functions::find("eq").unwrap().wanted(), "at least 2 arguments");
    assert_eq!(functions::find("or").unwrap().wanted(), "at least 1 argument");
    assert_eq!(functions::find("slice").unwrap().wanted(), "1 to 3 arguments");
}

#[test]
fn syntax_mistakes() {
    let cases = [
        ("a {{user `x`", "3: go-template-syntax: this `{{` is never closed <{{> add the missing `}}`"),
        ("{{user `x}} b", "8: go-template-syntax: this string has no closing backtick <`> add the missing backtick"),
        ("{{user \"x}} b", "8: go-template-syntax: this string has no closing `\"` <\"> add the missing `\"`"),
        ("{{}}", "3: go-template-syntax: a value is missing here <> write a function, a string or a number"),
        (
            "{{end}}",
            "1: go-template-syntax: this `{{end}}` ends nothing <{{end}}> delete it, or open what it ends: `{{if …}}`, `{{with …}}`, `{{range …}}`",
        ),
        (
            "{{else}}",
            "1: go-template-syntax: this `{{else}}` belongs to no `{{if}}` <{{else}}> delete it, or open an `{{if …}}` before it",
        ),
        ("{{if true}}x", "1: go-template-syntax: this `{{if}}` is never ended <{{if true}}> add the missing `{{end}}`"),
        (
            "{{if true}}{{else}}{{else}}{{end}}",
            "20: go-template-syntax: this `{{else}}` comes after the last branch <{{else}}> delete it; only the last branch is without a condition",
        ),
        (
            "{{if true}}{{end x}}",
            "18: go-template-syntax: `x` is not expected here <x> delete it, or close the braces before it",
        ),
        (
            "{{upper`x`}}",
            "8: go-template-syntax: a space is missing between `upper` and its argument <`> separate them by a space",
        ),
        ("{{upper(`x`)}}", "8: go-template-syntax: a space is missing here <> separate arguments by spaces"),
        ("{{upper (print `x`}}", "19: go-template-syntax: a `)` is missing here <> close the parenthesis"),
        (
            "{{upper `x`)}}",
            "12: go-template-syntax: `)` is not expected here <)> arguments are separated by spaces alone",
        ),
        (
            "{{print 1, 2}}",
            "10: go-template-syntax: `,` is not expected here <,> arguments are separated by spaces alone",
        ),
        (
            "{{(`x` | )}}",
            "10: go-template-syntax: a function is missing after the `|` <)> write a function, a string or a number",
        ),
        (
            "{{`x` | `y`}}",
            "9: go-template-syntax: this is not a function, it takes no arguments <`y`> only functions stand behind a `|`",
        ),
        (
            "{{`x` `y`}}",
            "3: go-template-syntax: this is not a function, it takes no arguments <`x`> put the function first",
        ),
        (
            "{{'ab'}}",
            "3: go-template-syntax: single quotes hold exactly one character <'> text stands in `\"` or backticks",
        ),
        (
            "{{print \"\\q\"}}",
            "10: go-template-syntax: `\\q` is not an escape that Go knows <\\q> write `\\\\q` for a backslash, or use backticks",
        ),
        ("{{print 12ab}}", "9: go-template-syntax: `12ab` is not a number <12ab> text stands in `\"` or backticks"),
        ("{{print a-b}}", "9: go-template-syntax: `a-` is not a name <a-> names are made of letters, digits and `_`"),
        (
            "{{print @}}",
            "9: go-template-syntax: `@` is not expected in an action <@> text stands in `\"` or backticks, and functions are called without commas and parentheses",
        ),
        (
            "{{/* a */ x}}",
            "3: go-template-syntax: a comment has to be alone in its braces, without spaces </* a */> write `{{/* … */}}`",
        ),
        (
            "{{ /* a */}}",
            "4: go-template-syntax: a comment has to be alone in its braces, without spaces </*> write `{{/* … */}}`",
        ),
        ("{{/* a }}", "3: go-template-syntax: this comment is never closed </*> close it by `*/}}`"),
        ("{{break}}", "1: go-template-syntax: `{{break}}` stands outside of any `{{range}}` <{{break}}> delete it"),
        ("{{print if}}", "9: go-template-syntax: `if` has to be the first word in its braces <if> write `{{if …}}`"),
        ("{{nil}}", "3: go-template-syntax: `nil` alone is no value to write <nil> delete it"),
        (
            "{{template `a`}}",
            "12: go-template-syntax: there is no template `a` here <`a`> define it with `{{define \"a\"}}…{{end}}`",
        ),
        (
            "{{template a}}",
            "1: go-template-syntax: a name in double quotes follows `template` <{{template a}}> write `{{template \"name\"}}`",
        ),
        (
            "{{if true}}{{define `a`}}{{end}}{{end}}",
            "12: go-template-syntax: a `{{define}}` can't stand inside of another block <{{define `a`}}> move it out",
        ),
        (
            "{{$a, $b := 1}}",
            "7: go-template-syntax: there are too many variables <$b> only `range` sets two variables at once",
        ),
        ("{{..X}}", "3: go-template-syntax: there is a dot too many <..> delete one"),
        ("{{$a = 1}}", "3: undefined-variable: there is no variable `$a` here <$a> set it first: `{{$a := …}}`"),
    ];
    for (source, said) in cases {
        assert_eq!(render(source), format!("(nothing)\n{said}"), "{source}");
    }
}

#[test]
fn one_mistake_does_not_hide_or_make_another() {
    assert_eq!(
        render("{{if usr `a`}}{{$x := (}}{{$x}}{{user `nam`}}{{else}}{{end}}{{user 'x'}}{{upper}}"),
        "(nothing)
6: undefined-function: there is no function `usr` <usr> did you mean `user`?
24: go-template-syntax: a value is missing here <> write a function, a string or a number
40: warning undefined-variable: nothing gives the variable `nam` a value, which leaves this empty <nam> did you mean `name`?
68: argument-type: argument 1 of `user` has to be text <'x'> put backticks round it
75: argument-count: `upper` takes 1 argument, not 0 <upper> arguments follow the name, separated by spaces; a `|` adds one at the end"
    );
}

#[test]
fn mistakes_of_values() {
    let cases = [
        (
            "{{split `a-b` `-` 2}}",
            "19: go-template-value: there is no piece 2: `-` splits this text in 2 <2> pieces are counted from 0",
        ),
        (
            "{{eq `a` 1}}",
            "10: go-template-value: text and an integer can't be compared <1> all that templates read is text: compare with text",
        ),
        (
            "{{lt true false}}",
            "11: go-template-value: a boolean and a boolean can't be compared <false> all that templates read is text: compare with text",
        ),
        (
            "{{upper (len `a`)}}",
            "9: go-template-value: argument 1 of `upper` has to be text, not an integer <(len `a`)> `print` turns anything into text",
        ),
        ("{{len 1}}", "7: go-template-value: an integer has no length <1> give it text"),
        ("{{index `abc` 3}}", "15: go-template-value: there is no byte 3 in a text of 3 <3> bytes are counted from 0"),
        (
            "{{slice `äb` 1}}",
            "14: go-template-value: bytes 1 to 3 are no part of a text of 3 bytes <1> bytes are counted from 0, and letters above ASCII have several",
        ),
        (
            "{{range `abc`}}{{end}}",
            "9: go-template-value: `range` can't go through text <`abc`> give it a whole number",
        ),
        (
            "{{range 1000000}}{{end}}{{range 1000000}}{{end}}{{range 100001}}x{{end}}",
            "1: go-template-value: the template never comes to an end <{{range 1000000}}{{end}}{{range 1000000}}{{end}}{{range 100001}}x{{end}}> make its loops shorter",
        ),
        (
            "{{define `a`}}{{template `a`}}{{end}}{{template `a`}}",
            "26: go-template-value: the templates call each other without end <`a`> break the circle",
        ),
    ];
    for (source, said) in cases {
        assert_eq!(render(source), format!("(nothing)\n{said}"), "{source}");
    }
    assert_eq!(
        render("{{printf `%d` (user `name`)}}"),
        "%!d(string=Box)\n3: warning go-template-value: the format does not fit its arguments: it makes `%!d(string=Box)` <printf> text goes with `%s`, whole numbers with `%d`, anything with `%v`"
    );
    assert_eq!(render("{{`x` | }}"), "x\n7: warning go-template-syntax: nothing stands behind this `|` <|> delete it");
    // Growing text ends, too.
    assert!(
        render("{{$x := `0123456789`}}{{range 90}}{{$x = print $x $x}}{{end}}").contains("the text grows without end")
    );
    let wide = "%999999[1]d".repeat(10_000);
    assert!(render(&format!("{{{{printf `{wide}` 1}}}}")).contains("the text grows without end"));
    assert!(render("{{$x := printf `%999999d` 1}}{{replace_all `` $x $x}}").contains("the text grows without end"));
}

#[test]
fn the_language_itself() {
    let cases = [
        ("a {{- ` b ` -}} c", "a b c"),
        ("a\n{{- /* note */ -}}\n b{{/* x */}}", "ab"),
        ("{{if false}}1{{else if eq `a` `b` `a`}}2{{else}}3{{end}}", "2"),
        ("{{with ``}}x{{else with `y`}}{{.}}{{else}}z{{end}}", "y"),
        ("{{range $i := 3}}{{if eq $i 1}}{{continue}}{{end}}{{$i}}{{end}}", "02"),
        ("{{range 5}}{{.}}{{if ge . 2}}{{break}}{{end}}{{end}}{{range 0}}x{{else}}none{{end}}", "012none"),
        ("{{define `t`}}<{{.}}{{$}}>{{end}}{{template `t` `v`}}{{block `u` 7}}[{{.}}]{{end}}", "<vv>[7]"),
        ("{{$x := `a`}}{{if true}}{{$x := `b`}}{{$x}}{{end}}{{$x}}{{$x = `c`}}{{$x}}", "bac"),
        ("{{printf `%s|%v|%d|%q|%x|%t` `a` 1.5 7 `b` 255 true}}", "a|1.5|7|\"b\"|ff|true"),
        ("{{printf `%5s|%-5s|%05d|%.2f|%%|%+d|%x` `a` `b` 42 3.14159 5 `hi`}}", "    a|b    |00042|3.14|%|+5|6869"),
        ("{{print 1 2 `a` 3 true}} {{println `a` 1}}", "1 2a3 true a 1\n"),
        ("{{and 1 0}}{{or 0 ``}}{{not true}}{{len `äb`}}{{index `abc` 1}}{{slice `abcd` 1 3}}", "0false398bc"),
        (
            "{{html `<a href='x'>`}} {{js `it's \"<b>\"`}} {{urlquery `a b&ü`}}",
            "&lt;a href=&#39;x&#39;&gt; it\\'s \\\"\\u003Cb\\u003E\\\" a+b%26%C3%BC",
        ),
        ("{{lt 1 2}}{{le 2.5 2.5}}{{gt `b` `a`}}{{ge 1 2}}{{ne `a` `b`}}", "truetruetruefalsetrue"),
        (
            "{{0x1F}} {{0b101}} {{0o17}} {{017}} {{1_000}} {{'a'}} {{-5}} {{1e3}} {{.5}}",
            "31 5 15 15 1000 97 -5 1000 0.5",
        ),
        ("{{\"a\\tb\\u00e9\\x41\\\"\"}}", "a\tbéA\""),
        ("{{`a` |\n upper}}", "A"),
        ("{{true}}{{(print `a`)}}{{`x` | printf `%s-%s` `y`}}", "trueay-x"),
    ];
    for (source, expected) in cases {
        assert_eq!(render(source), expected, "{source}");
    }
}

#[test]
fn places_lead_through_json_escapes() {
    let source = r#"{"a": "\u00e9\ud83d\ude00\n{{user \"nam\"}} {{ uper `x` }} {{split \"a\\tb\" \"\\t\" 9}}"}"#;
    let sources = Sources::default();
    let file = sources.add("t.json", Origin::File, source);
    let mut diagnostics = Diagnostics::default();
    let root = crate::json::parse(file, source, &mut diagnostics);
    let ExpressionKind::Object(items) = &root.kind else { panic!("not an object") };
    let ExpressionKind::String(text) = &items[0].value.kind else { panic!("not a string") };
    let template = GoTemplate::parse(Arc::clone(text), &mut diagnostics);
    assert_eq!(template.user_variables().map(|name| sources.slice(name.span)).collect::<Vec<_>>(), ["nam"]);
    assert_eq!(template.render(&context(), &Fields::None, &mut diagnostics), None);
    let places: Vec<_> = diagnostics
        .into_sorted()
        .iter()
        .map(|diagnostic| {
            let span = diagnostic.primary.as_ref().unwrap().span;
            (sources.slice(span).to_owned(), source[..span.start as usize].chars().count(), diagnostic.code)
        })
        .collect();
    assert_eq!(
        places,
        [
            ("nam".to_owned(), source.find("nam").unwrap(), "undefined-variable"),
            ("uper".to_owned(), source.find("uper").unwrap(), "undefined-function"),
            ("9".to_owned(), source.rfind('9').unwrap(), "go-template-value"),
        ]
    );
}
