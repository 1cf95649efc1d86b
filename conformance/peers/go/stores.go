// stores.go -- files, caches and batches through Google's SDK for Go.
// SPDX-License-Identifier: MIT
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"google.golang.org/genai"
)

var storeOperations = []operation{
	{"files.upload", filesUpload},
	{"files.upload_chunks", filesUploadChunks},
	{"files.get", filesGet},
	{"files.list", filesList},
	{"files.delete", filesDelete},
	{"files.wait_active", filesWaitActive},
	{"files.use", filesUse},
	{"caches.create", cachesCreate},
	{"caches.small", cachesSmall},
	{"caches.get", cachesGet},
	{"caches.list", cachesList},
	{"caches.update", cachesUpdate},
	{"caches.use", cachesUse},
	{"caches.delete", cachesDelete},
	{"batches.inline", batchesInline},
	{"batches.file", batchesFile},
	{"batches.list", batchesList},
	{"batches.cancel", batchesCancel},
	{"batches.delete", batchesDelete},
	{"batches.embed", batchesEmbed},
}

// refused checks that a call was refused with one of these codes.
func refused(err error, codes ...int) error {
	refusal, err := raises[genai.APIError](err)
	return cmp.Or(err, expect(slices.Contains(codes, refusal.Code), "the code is %d, not %v", refusal.Code, codes))
}

// ---- Files ----

func upload(ctx context.Context, data []byte, mime string) (*genai.File, error) {
	return api(ctx).Files.Upload(ctx, bytes.NewReader(data), &genai.UploadFileConfig{MIMEType: mime, DisplayName: "peers"})
}

func filesUpload(ctx context.Context) error {
	file, err := upload(ctx, []byte("Beavers build dams."), "text/plain")
	if err != nil {
		return err
	}
	return cmp.Or(
		same(file.MIMEType, "text/plain", "the type"), same(*file.SizeBytes, 19, "the size"),
		same(file.DisplayName, "peers", "the name to show"), same(file.State, genai.FileStateActive, "the state"),
		expect(strings.HasSuffix(file.URI, "/"+file.Name), "the uri is %s", file.URI),
		expect(!file.ExpirationTime.IsZero() && file.Sha256Hash != "", "time or hash is missing"))
}

func filesUploadChunks(ctx context.Context) error {
	file, err := upload(ctx, make([]byte, 17<<20), "application/octet-stream") // two chunks of 8 MiB and a third
	if err != nil {
		return err
	}
	return same(*file.SizeBytes, 17<<20, "the size")
}

func filesGet(ctx context.Context) error {
	file, err := upload(ctx, []byte("one"), "text/plain")
	if err != nil {
		return err
	}
	again, err := api(ctx).Files.Get(ctx, file.Name, nil)
	if err != nil {
		return err
	}
	return cmp.Or(same(again.Sha256Hash, file.Sha256Hash, "the hash"), same(again.URI, file.URI, "the uri"))
}

func filesList(ctx context.Context) error {
	file, err := upload(ctx, []byte("listed"), "text/plain")
	if err != nil {
		return err
	}
	for one, err := range api(ctx).Files.All(ctx) {
		if err != nil || one.Name == file.Name {
			return err
		}
	}
	return expect(false, "%s is not listed", file.Name)
}

func filesDelete(ctx context.Context) error {
	file, err := upload(ctx, []byte("gone"), "text/plain")
	if err != nil {
		return err
	}
	if _, err := api(ctx).Files.Delete(ctx, file.Name, nil); err != nil {
		return err
	}
	_, err = api(ctx).Files.Get(ctx, file.Name, nil)
	return refused(err, 403)
}

func askAbout(ctx context.Context, file *genai.File) (*reply, error) {
	parts := []*genai.Part{genai.NewPartFromFile(*file), genai.NewPartFromText(cases.Prompts["short"])}
	return api(ctx).Models.GenerateContent(ctx, text(),
		[]*genai.Content{genai.NewContentFromParts(parts, genai.RoleUser)}, nil)
}

func filesWaitActive(ctx context.Context) error {
	file, err := upload(ctx, make([]byte, 4096), "video/mp4")
	if err != nil {
		return err
	}
	_, early := askAbout(ctx, file)
	err = cmp.Or(same(file.State, genai.FileStateProcessing, "the state after the upload"), refused(early, 400))
	if err != nil {
		return err
	}
	file, err = waitFor(ctx, func() (*genai.File, error) { return api(ctx).Files.Get(ctx, file.Name, nil) },
		func(now *genai.File) bool { return now.State != genai.FileStateProcessing })
	if err != nil {
		return err
	}
	return same(file.State, genai.FileStateActive, "the state in the end")
}

func filesUse(ctx context.Context) error {
	file, err := upload(ctx, []byte(strings.Repeat("Beavers build dams. ", 500)), "text/plain")
	if err != nil {
		return err
	}
	answer, err := askAbout(ctx, file)
	if err := checkAnswer(answer, err); err != nil {
		return err
	}
	bare, err := ask(ctx, cases.Prompts["short"], nil)
	if err != nil {
		return err
	}
	return expect(answer.UsageMetadata.PromptTokenCount > bare.UsageMetadata.PromptTokenCount, "the file is not counted")
}

// ---- Caches ----

func makeCache(ctx context.Context) (*genai.CachedContent, error) {
	contents := genai.Text(strings.Repeat("A beaver builds a dam of wood, mud and stone. ", 1200)) // there is a minimum
	return api(ctx).Caches.Create(ctx, text(),
		&genai.CreateCachedContentConfig{Contents: contents, TTL: 300 * time.Second, DisplayName: "dams"})
}

func cachesCreate(ctx context.Context) error {
	cache, err := makeCache(ctx)
	if err != nil {
		return err
	}
	return cmp.Or(same(cache.Model, "models/"+text(), "the model"), same(cache.DisplayName, "dams", "the name to show"),
		expect(cache.UsageMetadata.TotalTokenCount >= 4096, "its tokens are not counted"),
		same(cache.ExpireTime.Sub(cache.CreateTime).Round(time.Second), 300*time.Second, "its life"))
}

func cachesSmall(ctx context.Context) error {
	_, err := api(ctx).Caches.Create(ctx, text(), &genai.CreateCachedContentConfig{Contents: genai.Text("too small")})
	return refused(err, 400)
}

func cachesGet(ctx context.Context) error {
	cache, err := makeCache(ctx)
	if err != nil {
		return err
	}
	again, err := api(ctx).Caches.Get(ctx, cache.Name, nil)
	if err != nil {
		return err
	}
	return same(again.ExpireTime, cache.ExpireTime, "the end of its life")
}

func cachesList(ctx context.Context) error {
	cache, err := makeCache(ctx)
	if err != nil {
		return err
	}
	for one, err := range api(ctx).Caches.All(ctx) {
		if err != nil || one.Name == cache.Name {
			return err
		}
	}
	return expect(false, "%s is not listed", cache.Name)
}

func cachesUpdate(ctx context.Context) error {
	cache, err := makeCache(ctx)
	if err != nil {
		return err
	}
	later, err := api(ctx).Caches.Update(ctx, cache.Name, &genai.UpdateCachedContentConfig{TTL: 2 * time.Hour})
	if err != nil {
		return err
	}
	return expect(later.ExpireTime.Sub(cache.ExpireTime) > time.Hour, "it does not live longer")
}

func cachesUse(ctx context.Context) error {
	cache, err := makeCache(ctx)
	if err != nil {
		return err
	}
	answer, err := ask(ctx, cases.Prompts["short"], &settings{CachedContent: cache.Name})
	if err := checkAnswer(answer, err); err != nil {
		return err
	}
	return same(answer.UsageMetadata.CachedContentTokenCount, cache.UsageMetadata.TotalTokenCount, "the cached tokens")
}

func cachesDelete(ctx context.Context) error {
	cache, err := makeCache(ctx)
	if err != nil {
		return err
	}
	if _, err := api(ctx).Caches.Delete(ctx, cache.Name, nil); err != nil {
		return err
	}
	_, err = api(ctx).Caches.Get(ctx, cache.Name, nil)
	return refused(err, 403, 404)
}

// ---- Batches ----

func inlineBatch(ctx context.Context, prompts ...string) (*genai.BatchJob, error) {
	source := &genai.BatchJobSource{}
	for _, prompt := range prompts {
		source.InlinedRequests = append(source.InlinedRequests, &genai.InlinedRequest{Contents: genai.Text(prompt)})
	}
	return api(ctx).Batches.Create(ctx, text(), source, &genai.CreateBatchJobConfig{DisplayName: "peers"})
}

func finish(ctx context.Context, job *genai.BatchJob, err error) (*genai.BatchJob, error) {
	if err != nil {
		return nil, err
	}
	open := []genai.JobState{genai.JobStatePending, genai.JobStateRunning}
	return waitFor(ctx, func() (*genai.BatchJob, error) { return api(ctx).Batches.Get(ctx, job.Name, nil) },
		func(now *genai.BatchJob) bool { return !slices.Contains(open, now.State) })
}

func batchesInline(ctx context.Context) error {
	job, err := inlineBatch(ctx, cases.Prompts["short"], cases.Prompts["plain"])
	job, err = finish(ctx, job, err)
	if err != nil {
		return err
	}
	if err := same(job.State, genai.JobStateSucceeded, "the state"); err != nil {
		return err
	}
	if err := same(len(job.Dest.InlinedResponses), 2, "the number of answers"); err != nil {
		return err
	}
	wanted, err := ask(ctx, cases.Prompts["plain"], nil)
	if err != nil {
		return err
	}
	return same(job.Dest.InlinedResponses[1].Response.Text(), wanted.Text(), "the second answer")
}

func batchesFile(ctx context.Context) error {
	line := `{"key":"KEY","request":{"contents":[{"role":"user","parts":[{"text":"Say hello"}]}]}}` + "\n"
	lines := strings.Replace(line, "KEY", "r1", 1) + strings.Replace(line, "KEY", "r2", 1)
	file, err := upload(ctx, []byte(lines), "application/jsonl")
	if err != nil {
		return err
	}
	job, err := api(ctx).Batches.Create(ctx, text(), &genai.BatchJobSource{FileName: file.Name}, nil)
	job, err = finish(ctx, job, err)
	if err != nil {
		return err
	}
	if err := same(job.State, genai.JobStateSucceeded, "the state"); err != nil {
		return err
	}
	uri := genai.NewDownloadURIFromFile(&genai.File{DownloadURI: job.Dest.FileName})
	data, err := api(ctx).Files.Download(ctx, uri, nil)
	if err != nil {
		return err
	}
	var keys []string
	for decoder := json.NewDecoder(bytes.NewReader(data)); decoder.More(); {
		var row struct {
			Key      string
			Response *reply
		}
		if err := decoder.Decode(&row); err != nil || row.Response == nil {
			return cmp.Or(err, expect(false, "a row has no response: %s", data))
		}
		keys = append(keys, row.Key)
	}
	slices.Sort(keys)
	return sameList(keys, []string{"r1", "r2"}, "the keys of the result")
}

func batchesList(ctx context.Context) error {
	job, err := inlineBatch(ctx, cases.Prompts["short"])
	if err != nil {
		return err
	}
	for one, err := range api(ctx).Batches.All(ctx) {
		if err != nil || one.Name == job.Name {
			return err
		}
	}
	return expect(false, "%s is not listed", job.Name)
}

func batchesCancel(ctx context.Context) error {
	job, err := inlineBatch(ctx, slices.Repeat([]string{cases.Prompts["plain"]}, 20)...)
	if err != nil {
		return err
	}
	if err := api(ctx).Batches.Cancel(ctx, job.Name, nil); err != nil {
		return err
	}
	job, err = finish(ctx, job, nil)
	if err != nil {
		return err
	}
	return same(job.State, genai.JobStateCancelled, "the state")
}

func batchesDelete(ctx context.Context) error {
	job, err := inlineBatch(ctx, cases.Prompts["short"])
	job, err = finish(ctx, job, err)
	if err != nil {
		return err
	}
	if _, err := api(ctx).Batches.Delete(ctx, job.Name, nil); err != nil {
		return err
	}
	_, err = api(ctx).Batches.Get(ctx, job.Name, nil)
	return refused(err, 404)
}

func batchesEmbed(ctx context.Context) error {
	source := &genai.EmbeddingsBatchJobSource{InlinedRequests: &genai.EmbedContentBatch{
		Contents: slices.Concat(genai.Text("a beaver"), genai.Text("a dam")),
		Config:   &genai.EmbedContentConfig{OutputDimensionality: genai.Ptr[int32](128)}}}
	job, err := api(ctx).Batches.CreateEmbeddings(ctx, genai.Ptr(cases.Models["embedding"]), source, nil)
	job, err = finish(ctx, job, err)
	if err != nil {
		return err
	}
	rows := job.Dest.InlinedEmbedContentResponses
	if err := same(len(rows), 2, "the number of answers"); err != nil {
		return err
	}
	return same(len(rows[1].Response.Embedding.Values), 128, "the dimensions")
}
