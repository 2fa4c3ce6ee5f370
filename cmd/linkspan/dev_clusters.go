package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"linkspan/shardrouter"
)

// clustersFile is where dev writes, in its data directory, which clusters it runs, for commands beside it. Their DSNs lead
// to sockets in directories of their user's and hold no secret.
const clustersFile = "clusters.json"

// devClustersKept is what the file holds: DSNs.
type devClustersKept struct {
	Main   string            `json:"main"`
	Shards map[string]string `json:"shards"` // by name
}

// saveDevClusters writes down the clusters of dev.
func saveDevClusters(dataDir string, config shardrouter.Config) error {
	kept := devClustersKept{Main: config.MainDSN, Shards: make(map[string]string)}
	for _, shard := range config.Shards {
		kept.Shards[shard.Name] = shard.DSN
	}
	text, err := json.MarshalIndent(kept, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dataDir, clustersFile), append(text, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("which clusters run can't be written down: %w", err)
	}
	return nil
}

// devClustersIn reads what dev has written there.
func devClustersIn(dataDir string) (config shardrouter.Config, err error) {
	text, err := os.ReadFile(filepath.Join(dataDir, clustersFile))
	if errors.Is(err, fs.ErrNotExist) {
		return config, fmt.Errorf("LINKSPAN_MAIN_DSN is not set, and there is no dev data in %s: name the clusters by "+
			"LINKSPAN_MAIN_DSN and LINKSPAN_SHARD_DSNS, or start `bin/linkspan dev`", dataDir)
	}
	if err != nil {
		return config, err
	}
	var kept devClustersKept
	if err := json.Unmarshal(text, &kept); err != nil {
		return config, fmt.Errorf("%s can't be read: %w; start `bin/linkspan dev` again", clustersFile, err)
	}
	config.MainDSN = kept.Main
	for _, name := range slices.Sorted(maps.Keys(kept.Shards)) {
		config.Shards = append(config.Shards, shardrouter.Shard{Name: name, DSN: kept.Shards[name]})
	}
	return config, nil
}
