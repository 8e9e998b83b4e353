//! Where is the store that is meant when nobody says, and what kind of disk is it on?

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variable that names the store.
pub const STORE_VARIABLE: &str = "PELLUCID_RUNS";

/// The store of a project, from its directory.
pub const LOCAL_STORE: &str = ".pellucid/runs";

/// The store that is meant when none is named: `PELLUCID_RUNS`, else `.pellucid/runs` in this directory if it is there, else
/// `pellucid/runs` among the user's data. `None` where the user has no home.
#[must_use]
pub fn default_store() -> Option<PathBuf> {
    choose(|name| std::env::var_os(name).filter(|value| !value.is_empty()), Path::new(LOCAL_STORE).is_dir())
}

fn choose(variable: impl Fn(&str) -> Option<OsString>, has_local: bool) -> Option<PathBuf> {
    if let Some(dir) = variable(STORE_VARIABLE) {
        return Some(dir.into());
    }
    if has_local {
        return Some(LOCAL_STORE.into());
    }
    // By its specification a relative path there is to be ignored.
    let data = variable("XDG_DATA_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let data = data.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/share")));
    Some(data?.join("pellucid/runs"))
}

/// Whether other machines may write there too, so that processes can't share memory about it. Known on Linux only.
pub(crate) fn is_on_network(dir: &Path) -> bool {
    let table = fs_err::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    fs_err::canonicalize(dir).is_ok_and(|dir| is_mounted_from_network(&table, &dir))
}

/// Lines are `ID PARENT MAJOR:MINOR ROOT PLACE OPTIONS [TAGS...] - KIND SOURCE OPTIONS`.
fn is_mounted_from_network(table: &str, dir: &Path) -> bool {
    let mounted = table.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        // Spaces are written as octal numbers; the others are rare enough to be left as they are.
        let place = PathBuf::from(before.split(' ').nth(4)?.replace("\\040", " "));
        let kind = after.split(' ').next()?;
        dir.starts_with(&place).then(|| (place.components().count(), kind))
    });
    // The deepest, and of those in one place the last.
    let kind = mounted.max_by_key(|(depth, _)| *depth).map_or("", |(_, kind)| kind);
    let known = [
        "nfs",
        "cifs",
        "smb",
        "9p",
        "afs",
        "lustre",
        "gpfs",
        "beegfs",
        "ceph",
        "glusterfs",
        "fuse.sshfs",
        "fuse.ceph",
        "fuse.gluster",
        "ocfs2",
        "gfs2",
        "orangefs",
        "pvfs",
    ];
    known.iter().any(|known| kind.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_store_is_meant() {
        let with = |variables: &[(&str, &str)], has_local| {
            let find = |name: &str| {
                variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value))
            };
            choose(find, has_local).map(|dir| dir.display().to_string())
        };
        let all = [("PELLUCID_RUNS", "here"), ("XDG_DATA_HOME", "/data"), ("HOME", "/home/a")];
        assert_eq!(with(&all, true).as_deref(), Some("here"));
        assert_eq!(with(&all[1..], true).as_deref(), Some(".pellucid/runs"));
        assert_eq!(with(&all[1..], false).as_deref(), Some("/data/pellucid/runs"));
        assert_eq!(with(&all[2..], false).as_deref(), Some("/home/a/.local/share/pellucid/runs"));
        let relative = [("XDG_DATA_HOME", "data"), ("HOME", "/home/a")];
        assert_eq!(with(&relative, false).as_deref(), Some("/home/a/.local/share/pellucid/runs"));
        assert_eq!(with(&[], false), None);
    }

    #[test]
    fn the_deepest_mount_says_what_a_disk_is() {
        let table = "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            30 21 0:40 / /home rw,noatime shared:7 - nfs4 server:/home rw\n\
            31 30 8:2 / /home/a/local\\040disk rw - xfs /dev/sdb rw\nnonsense\n";
        for (dir, expected) in
            [("/", false), ("/homes", false), ("/home/a", true), ("/home/a/local disk/x", false)]
        {
            assert_eq!(is_mounted_from_network(table, Path::new(dir)), expected, "{dir}");
        }
    }
}
