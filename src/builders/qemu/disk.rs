//! What `qemu-img` does before the machine starts and after it has stopped.

use super::arguments::DiskArguments;
use super::values::Format;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What `qemu-img info` knows of an image.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ImageInfo {
    pub format: String,
    /// Bytes, as the guest sees it.
    #[serde(rename = "virtual-size")]
    pub virtual_size: u64,
}

/// Where disks are, all as absolute paths.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub output: PathBuf,
    /// File name of the main disk.
    pub name: String,
}

impl Places {
    pub(super) fn main(&self) -> PathBuf {
        self.output.join(&self.name)
    }

    /// All disks: the main one, then `<name>-1`, `<name>-2`, ….
    pub(super) fn all(&self, additional: usize) -> Vec<PathBuf> {
        let further = (1..=additional).map(|number| self.output.join(format!("{}-{number}", self.name)));
        std::iter::once(self.main()).chain(further).collect()
    }

    /// The result while it is being written.
    fn unfinished(&self) -> PathBuf {
        self.output.join(format!("{}.convert", self.name))
    }
}

/// What is done with disks in one build.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// What to say, and the call.
    pub before: Vec<(&'static str, Vec<String>)>,
    /// The last step: makes the given file out of the main disk, and takes its place.
    pub after: Option<(Vec<String>, PathBuf)>,
}

/// Plans the work on disks; `image` is the one that a disk image build starts from.
///
/// A disk image is not copied when the result is converted anyway: the guest works on a thin layer over it, and the
/// conversion takes both together.
///
/// # Errors
/// When the image is larger than the disk is to be.
pub(super) fn plan(arguments: &DiskArguments, places: &Places, image: Option<(&Path, &ImageInfo)>) -> Result<Plan> {
    let compress = arguments.disk_compression && arguments.format == Format::Qcow2;
    let compact = arguments.format == Format::Qcow2 && !arguments.skip_compaction && !arguments.use_backing_file;
    let (format, main) = (arguments.format.text(), text(&places.main()));
    let mut before = Vec::new();
    match image {
        None => {
            let create = create(arguments, format, &[], main.clone(), Some(&arguments.disk_size.text));
            before.push(("Creating required virtual machine disks", create));
        }
        Some((image, info)) => {
            let mut size = new_size(arguments, image, info)?;
            if arguments.use_backing_file || compact || compress {
                let base = ["-b".to_owned(), text(image), "-F".to_owned(), info.format.clone()];
                // A new layer can have the new size from the start.
                let size = if arguments.qemu_img_args.resize.is_empty() { size.take() } else { None };
                let create = create(arguments, format, &base, main.clone(), size.as_deref());
                before.push(("Creating required virtual machine disks", create));
            } else {
                let mut copy = convert(arguments, false);
                copy.extend(["-f".to_owned(), info.format.clone(), "-O".to_owned(), format.to_owned()]);
                copy.extend([text(image), main.clone()]);
                before.push(("Copying hard drive...", copy));
            }
            if let Some(size) = size {
                let mut resize = words(&["resize", "-f", format]);
                resize.extend(arguments.qemu_img_args.resize.iter().cloned());
                resize.extend([main.clone(), size]);
                before.push(("Resizing hard drive...", resize));
            }
        }
    }
    for (path, size) in
        places.all(arguments.disk_additional_size.len()).iter().skip(1).zip(&arguments.disk_additional_size)
    {
        let create = create(arguments, format, &[], text(path), Some(&size.value));
        before.push(("Creating required virtual machine disks", create));
    }
    let after = (compact || compress).then(|| {
        let unfinished = places.unfinished();
        let mut call = convert(arguments, compress);
        // The format is not guessed: the guest decides what is in the disk.
        call.extend(words(&["-f", format, "-O", format]));
        if let Some((image, info)) = image.filter(|_| arguments.use_backing_file) {
            call.extend(["-B".to_owned(), text(image), "-F".to_owned(), info.format.clone()]);
        }
        call.extend([main, text(&unfinished)]);
        (call, unfinished)
    });
    Ok(Plan { before, after })
}

/// The size that a disk image is to get, if it does not have it already.
fn new_size(arguments: &DiskArguments, image: &Path, info: &ImageInfo) -> Result<Option<String>> {
    let wanted = &arguments.disk_size;
    if arguments.skip_resize_disk || wanted.bytes == info.virtual_size {
        return Ok(None);
    }
    let may_shrink = arguments.qemu_img_args.resize.iter().any(|argument| argument == "--shrink");
    anyhow::ensure!(
        wanted.bytes > info.virtual_size || may_shrink,
        "{} has {} bytes, which is more than disk_size, {} ({} bytes): set a larger disk_size, or skip_resize_disk = true",
        image.display(),
        info.virtual_size,
        wanted.text,
        wanted.bytes
    );
    Ok(Some(wanted.text.clone()))
}

fn create(arguments: &DiskArguments, format: &str, base: &[String], path: String, size: Option<&str>) -> Vec<String> {
    let mut call = words(&["create", "-q", "-f", format]);
    call.extend(base.iter().cloned());
    // Packer has no `create` for a copied disk, hence no arguments for one either.
    if base.is_empty() || arguments.use_backing_file {
        call.extend(arguments.qemu_img_args.create.iter().cloned());
    }
    call.push(path);
    call.extend(size.map(str::to_owned));
    call
}

/// Eight requests at a time, and in any order where the format allows: three times as fast as one after the other.
fn convert(arguments: &DiskArguments, compress: bool) -> Vec<String> {
    let users = &arguments.qemu_img_args.convert;
    let has = |switch: &str| users.iter().any(|argument| argument == switch);
    let mut call = words(&["convert"]);
    if compress && !has("-c") {
        call.push("-c".to_owned());
    }
    // Compressed clusters can only be written in order.
    if !compress && !has("-c") && !has("-W") {
        call.push("-W".to_owned());
    }
    if !has("-m") {
        call.extend(words(&["-m", "8"]));
    }
    call.extend(users.iter().cloned());
    call
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// All paths begin with the output directory or the working directory, which the ledger only takes as UTF-8.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Reads what `qemu-img info --output=json` printed.
///
/// # Errors
/// When it is something else.
pub(super) fn info(json: &[u8]) -> Result<ImageInfo> {
    serde_json::from_slice(json).context("read what qemu-img says of the image")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::qemu::tests::read;

    /// The plan of a source with these arguments, one call a line; `image` is `format size`.
    fn show(arguments: &str, image: Option<(&str, u64)>) -> String {
        let arguments: DiskArguments = read(arguments);
        let places = Places { output: PathBuf::from("/out"), name: "web".to_owned() };
        let info = image.map(|(format, virtual_size)| ImageInfo { format: format.to_owned(), virtual_size });
        let image = info.as_ref().map(|info| (Path::new("/base"), info));
        match plan(&arguments, &places, image) {
            Ok(plan) => {
                let after = plan.after.map(|(call, _)| call);
                let calls = plan.before.into_iter().map(|(_, call)| call).chain(after);
                calls.map(|call| call.join(" ")).collect::<Vec<_>>().join("\n")
            }
            Err(error) => error.to_string(),
        }
    }

    const GIGABYTE: u64 = 1 << 30;

    #[test]
    fn an_installation_starts_with_empty_disks() {
        assert_eq!(
            show("disk_size = 8G; disk_additional_size = 1G, 2G", None),
            "create -q -f qcow2 /out/web 8G\ncreate -q -f qcow2 /out/web-1 1G\ncreate -q -f qcow2 /out/web-2 2G\n\
             convert -W -m 8 -f qcow2 -O qcow2 /out/web /out/web.convert"
        );
        assert_eq!(show("format = raw", None), "create -q -f raw /out/web 40960M");
        assert_eq!(show("skip_compaction = true", None), "create -q -f qcow2 /out/web 40960M");
    }

    #[test]
    fn an_image_is_not_copied_when_the_result_is_converted_anyway() {
        assert_eq!(
            show("disk_image = true; disk_size = 2G", Some(("raw", GIGABYTE))),
            "create -q -f qcow2 -b /base -F raw /out/web 2G\n\
             convert -W -m 8 -f qcow2 -O qcow2 /out/web /out/web.convert"
        );
        assert_eq!(
            show(
                "disk_image = true; skip_resize_disk = true; skip_compaction = true; disk_compression = true",
                Some(("qcow2", GIGABYTE))
            ),
            "create -q -f qcow2 -b /base -F qcow2 /out/web\n\
             convert -c -m 8 -f qcow2 -O qcow2 /out/web /out/web.convert"
        );
    }

    #[test]
    fn an_image_is_copied_first_when_the_disk_is_left_as_it_is() {
        for arguments in ["skip_compaction = true; format = qcow2", "format = raw"] {
            let format = arguments.rsplit(' ').next().unwrap();
            assert_eq!(
                show(&format!("disk_image = true; disk_size = 2G; {arguments}"), Some(("qcow2", GIGABYTE))),
                format!("convert -W -m 8 -f qcow2 -O {format} /base /out/web\nresize -f {format} /out/web 2G")
            );
        }
    }

    #[test]
    fn a_backing_file_stays_even_under_compression() {
        let arguments = "disk_image = true; use_backing_file = true; disk_size = 1G";
        assert_eq!(show(arguments, Some(("raw", GIGABYTE))), "create -q -f qcow2 -b /base -F raw /out/web");
        assert_eq!(
            show(&format!("{arguments}; disk_compression = true"), Some(("raw", GIGABYTE))),
            "create -q -f qcow2 -b /base -F raw /out/web\n\
             convert -c -m 8 -f qcow2 -O qcow2 -B /base -F raw /out/web /out/web.convert"
        );
    }

    #[test]
    fn an_image_larger_than_the_disk_is_an_error_with_both_sizes() {
        assert_eq!(
            show("disk_image = true; disk_size = 1G", Some(("raw", 2 * GIGABYTE))),
            "/base has 2147483648 bytes, which is more than disk_size, 1G (1073741824 bytes): set a larger disk_size, or \
             skip_resize_disk = true"
        );
    }

    #[test]
    fn arguments_of_the_user_come_after_the_command_and_replace_ours() {
        let arguments = DiskArguments {
            qemu_img_args: crate::builders::qemu::values::ImageArguments {
                convert: words(&["-m", "2", "-o", "preallocation=off"]),
                create: words(&["-o", "cluster_size=2M"]),
                resize: words(&["--shrink"]),
            },
            ..read("disk_image = true; disk_size = 1G")
        };
        let places = Places { output: PathBuf::from("/out"), name: "web".to_owned() };
        let info = ImageInfo { format: "qcow2".to_owned(), virtual_size: 2 * GIGABYTE };
        let plan = plan(&arguments, &places, Some((Path::new("/base"), &info))).unwrap();
        let calls: Vec<String> = plan.before.iter().map(|(_, call)| call.join(" ")).collect();
        assert_eq!(calls, ["create -q -f qcow2 -b /base -F qcow2 /out/web", "resize -f qcow2 --shrink /out/web 1G"]);
        assert_eq!(
            plan.after.unwrap().0.join(" "),
            "convert -W -m 2 -o preallocation=off -f qcow2 -O qcow2 /out/web /out/web.convert"
        );
    }
}
