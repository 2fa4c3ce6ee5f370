// Package clusterenv reads where the clusters are: LINKSPAN_MAIN_DSN and LINKSPAN_SHARD_DSNS.
package clusterenv

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"linkspan/shardrouter"
)

// Read reads where the clusters are. Its errors repeat no DSN, nor any piece of one: it may hold a password.
func Read() (shardrouter.Config, error) {
	config := shardrouter.Config{MainDSN: os.Getenv("LINKSPAN_MAIN_DSN")}
	if config.MainDSN == "" {
		return config, errors.New("LINKSPAN_MAIN_DSN is not set: where is the main database? " +
			"For local clusters use `bin/linkspan dev`")
	}
	var err error
	config.Shards, err = shardsOf(os.Getenv("LINKSPAN_SHARD_DSNS"))
	return config, err
}

// shardEntry matches where an entry of LINKSPAN_SHARD_DSNS begins: with a name, and with what a DSN begins with, a
// scheme or one of libpq's keywords. Any other comma belongs to the DSN that it is in, as between hosts or in a password.
var shardEntry = regexp.MustCompile(`(?:^|,)\s*([A-Za-z0-9][A-Za-z0-9_.-]{0,62})\s*=\s*((?:postgres|postgresql)://|` +
	`(?:host|hostaddr|port|dbname|database|user|password|passfile|service|servicefile|options|application_name|` +
	`connect_timeout|target_session_attrs|ssl[a-z]+|min_protocol_version|krbsrvname)\s*=)`)

// withoutDSN matches an entry that lacks its DSN, behind that of another.
var withoutDSN = regexp.MustCompile(`,\s*[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\s*=$`)

// shardsOf reads the entries of LINKSPAN_SHARD_DSNS: name=dsn,name=dsn.
func shardsOf(text string) ([]shardrouter.Shard, error) {
	text = strings.Trim(text, ", \t\n")
	if text == "" {
		return nil, errors.New("LINKSPAN_SHARD_DSNS is not set: name at least one shard, as name=dsn,name=dsn")
	}
	entries := shardEntry.FindAllStringSubmatchIndex(text, -1)
	if len(entries) == 0 || entries[0][0] != 0 {
		return nil, errors.New("LINKSPAN_SHARD_DSNS does not begin with name=dsn, as in shard-1=postgres://user@host/database " +
			"or shard-1=host=… dbname=…; a name has 1 to 63 letters, digits, '.', '_' and '-'")
	}
	var shards []shardrouter.Shard
	for i, at := range entries {
		end := len(text)
		if i+1 < len(entries) {
			end = entries[i+1][0]
		}
		shard := shardrouter.Shard{Name: text[at[2]:at[3]], DSN: strings.Trim(text[at[4]:end], ", \t\n")}
		if withoutDSN.MatchString(shard.DSN) {
			return nil, fmt.Errorf("LINKSPAN_SHARD_DSNS has an entry without a DSN, behind that of %s", shard.Name)
		}
		shards = append(shards, shard)
	}
	return shards, nil
}
