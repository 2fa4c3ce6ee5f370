// Package migrations brings the main database and the shards to the newest schema.
//
// There are two sets of SQL files, embedded in the binary: main/ makes the tables in schema
// linkspan_main, shard/ those in linkspan_shard. A set keeps its version table and its lock in its own
// schema, so that main and a shard may share one database.
//
// Invariants:
//
//   - Files are numbered 00001, 00002, … without a gap, and one that has been released never changes.
//   - A migration and the row that records it are one transaction, and that row is unique: even two
//     migrators that both believe they hold the lock cannot apply the same migration twice.
//   - The lock is a row with a lease, not an advisory lock (poolers and some distributed engines have
//     none). A migrator that dies blocks the next one no longer than [LockLease].
//   - Expand first, contract a release later: a binary goes on serving a database that is one release
//     newer. It only never migrates it; see [NewerError].
//   - The SQL stays portable and described: no sequences, triggers, functions or foreign keys across
//     slots, and a comment on every table and column. A test holds the files to it.
package migrations

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"
)

//go:embed main/*.sql shard/*.sql
var files embed.FS

// Set names one of the two sets of migrations.
type Set uint8

const (
	// Main is the schema of the main database, linkspan_main.
	Main Set = iota + 1
	// Shard is the schema of a shard, linkspan_shard.
	Shard
)

// String is "main" or "shard": the set's folder.
func (s Set) String() string {
	switch s {
	case Main:
		return "main"
	case Shard:
		return "shard"
	}
	return fmt.Sprintf("Set(%d)", uint8(s))
}

// Schema is the database schema that holds all tables of the set.
func (s Set) Schema() string { return "linkspan_" + s.String() }

// Newest is the version of the set's last file: what this binary was built for.
func Newest(set Set) int64 { return newest()[set] }

var newest = sync.OnceValue(func() map[Set]int64 {
	versions := make(map[Set]int64)
	for _, set := range []Set{Main, Shard} {
		names, err := fs.Glob(files, set.String()+"/*.sql")
		if err != nil {
			panic(err) // the pattern is a constant
		}
		for _, name := range names {
			versions[set] = max(versions[set], versionOf(name))
		}
	}
	return versions
})

// versionOf reads the number from "main/00001_directory.sql". The files are part of the binary, and a
// test reads each name: a wrong one is a programming error.
func versionOf(path string) int64 {
	_, name, _ := strings.Cut(path, "/")
	number, _, _ := strings.Cut(name, "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("migrations: %s does not begin with a number", path))
	}
	return version
}
