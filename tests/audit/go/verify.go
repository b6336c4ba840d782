// Checks a log that lies in a folder with the Go reference of C2SP's formats (x/mod/sumdb).
//
//	verify FOLDER SEED
//
// The folder holds what the audit API serves, under the same names: vkey, checkpoint, older (a
// checkpoint of an earlier size), tile/<level>/<index> and tile/entries/<index>. Records to look
// for are drawn from the seed.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height  = 8
	width   = 1 << height
	records = 200
)

type folder string

func (f folder) read(name string) []byte {
	data, err := os.ReadFile(filepath.Join(string(f), name))
	require(err)
	return data
}

// path is a tile's by C2SP, which leaves out the height that the Go checksum database writes.
func path(t tlog.Tile) string {
	return strings.Replace(t.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
}

func (f folder) Height() int { return height }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, t := range tiles {
		found[i] = f.read(path(t))
	}
	return found, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

// checkpoint opens a signed note and reads the origin, size and root that it holds.
func (f folder) checkpoint(name string, key note.Verifier) tlog.Tree {
	opened, err := note.Open(f.read(name), note.VerifierList(key))
	require(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != key.Name() || lines[3] != "" {
		fail("%s is no checkpoint of %s", name, key.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	require(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	require(err)
	tree := tlog.Tree{N: size}
	if copy(tree.Hash[:], root) != tlog.HashSize {
		fail("%s has a root of another length", name)
	}
	return tree
}

// entry takes one entry out of its bundle.
func (f folder) entry(n, size int64) []byte {
	bundle := tlog.Tile{H: height, L: -1, N: n / width, W: width}
	if left := size - bundle.N*width; left < width {
		bundle.W = int(left)
	}
	data := f.read(strings.Replace(path(bundle), "tile/data/", "tile/entries/", 1))
	for ; ; n-- {
		length := int(binary.BigEndian.Uint16(data))
		if n%width == 0 {
			return data[2 : 2+length]
		}
		data = data[2+length:]
	}
}

func require(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, args ...any) {
	fmt.Printf("refused: "+format+"\n", args...)
	os.Exit(1)
}

func main() {
	log := folder(os.Args[1])
	seed, err := strconv.ParseInt(os.Args[2], 10, 64)
	require(err)
	key, err := note.NewVerifier(strings.TrimSpace(string(log.read("vkey"))))
	require(err)
	tree, older := log.checkpoint("checkpoint", key), log.checkpoint("older", key)
	hashes := tlog.TileHashReader(tree, log)

	draw := rand.New(rand.NewSource(seed))
	for i := 0; i < records; i++ {
		n := draw.Int63n(tree.N)
		proof, err := tlog.ProveRecord(tree.N, n, hashes)
		require(err)
		leaf := tlog.RecordHash(log.entry(n, tree.N))
		require(tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaf))
	}
	prefix, err := tlog.ProveTree(tree.N, older.N, hashes)
	require(err)
	require(tlog.CheckTree(prefix, tree.N, tree.Hash, older.N, older.Hash))
	fmt.Printf("accepted: %d records of %d, which go on from %d\n", records, tree.N, older.N)
}
