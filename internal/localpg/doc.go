// Package localpg runs local PostgreSQL clusters for `linkspan dev` and for tests: it finds the PostgreSQL programs,
// makes the data directories, starts one postgres process a cluster and stops them again.
//
// What holds:
//
//   - One program at a time owns a data root. The root is locked with flock while clusters run, and the lock ends with
//     the program.
//   - No postgres process outlives the program. On Linux the kernel stops them when the program dies, also by SIGKILL;
//     elsewhere the next Start finds them by postmaster.pid and stops them. A process is signalled only after it was seen
//     to be a postgres of that very data directory.
//   - Data is never wiped. Directories are named by PostgreSQL's major version; data of another major version is an error.
//     Only names that this package made for unfinished work (".new-…") are removed.
//   - A data directory is complete or absent: it is made under a temporary name and renamed. A crash at any point leaves
//     something that the next Start handles.
//   - Clusters listen on a Unix socket only, in a directory of mode 0700; that directory is the access control, so the
//     socket's authentication is "trust".
//   - Started as root, PostgreSQL runs as the owner of existing data, or else as "postgres" or "nobody". What root
//     writes, it writes into directories that only root can change.
//
// The layout of a data root:
//
//	linkspan-postgres.lock   says that the root is ours; locked while in use; holds the owner's process id
//	pg15/main, pg15/shard-1  data directories
//	logs/main.log            PostgreSQL's log since the last start, and main.log.previous
//	run/main                 socket directories, unless their path would be too long
//	run.path                 where the socket directories are, if not in run
//	cache                    PostgreSQL from npm, if it can be kept nowhere else (Config.CacheDir)
//
// It is not a supervisor: a postgres process that dies is reported (Clusters.Exited), not restarted. It knows no schema
// and runs no SQL. It runs on Linux and macOS.
package localpg
