//! What shells complete, and the manual.

use crate::forge::Forge;

/// What a real bash completes after these words, the last of which is not finished.
fn bash(words: &[&str]) -> Vec<String> {
    let forge = Forge::new();
    let script = forge.run(&["completions", "bash"]);
    script.code(0);
    let words_of_bash: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let last = words.len() - 1;
    let story = format!(
        "{}\nCOMP_WORDS=({})\nCOMP_CWORD={last}\n_imgforge imgforge '{}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        script.stdout,
        words_of_bash.join(" "),
        words[last],
        words[last - 1]
    );
    let forge = forge.file("story.bash", &story);
    let ended = forge.program("bash", &["--norc", "story.bash"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    ended.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_flags() {
    assert_eq!(bash(&["imgforge", "val"]), ["validate"]);
    assert_eq!(bash(&["imgforge", "validate", "--synt"]), ["--syntax-only"]);
    assert_eq!(bash(&["imgforge", "plugins", "inst"]), ["installed", "install"]);
    assert!(bash(&["imgforge", "build", "-"]).contains(&"--on-error".to_owned()));
}

#[test]
fn every_shell_gets_a_script_that_knows_every_command() {
    let forge = Forge::new();
    for (shell, beginning) in [("zsh", "#compdef imgforge"), ("fish", "# Print an optspec"), ("bash", "_imgforge() {")]
    {
        let ended = forge.run(&["completions", shell]);
        ended.code(0);
        assert!(ended.stdout.starts_with(beginning), "{shell}: {}", &ended.stdout[..80]);
        for command in commands() {
            assert!(ended.stdout.contains(&command), "{shell} does not know {command}");
        }
    }
    forge.run(&["completions", "tcsh"]).code(2);
}

/// The names of all commands, as help lists them.
fn commands() -> Vec<String> {
    let help = Forge::new().run(&["--help"]).stdout;
    let (_, rest) = help.split_once("Commands:\n").unwrap();
    let (list, _) = rest.split_once("\n\n").unwrap();
    let names = list.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
    let names: Vec<String> = names.collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

#[test]
fn the_manual_has_a_page_for_all_and_one_for_each_command() {
    let forge = Forge::new();
    let page = forge.run(&["man"]);
    page.code(0);
    assert!(page.stdout.contains(".TH imgforge 1  \"imgforge 0.1.0\""), "{}", page.stdout);
    for command in commands() {
        let entry = format!("imgforge\\-{}(1)\n", command.replace('-', "\\-"));
        assert!(page.stdout.contains(&entry), "{command}: {}", page.stdout);
        let own = forge.run(&["man", &command]);
        own.code(0);
        assert!(own.stdout.contains(&format!("\\fBimgforge {}\\fR", command.replace('-', "\\-"))), "{}", own.stdout);
    }
    let build = forge.run(&["man", "build"]).stdout;
    assert!(build.contains("\\fB\\-\\-on\\-error\\fR"), "{build}");
    let install = forge.run(&["man", "plugins", "install"]).stdout;
    assert!(install.contains("\\fBimgforge plugins install\\fR"), "{install}");
    forge.run(&["man", "bild"]).expect(1, "error: there is no command `bild`");
}
