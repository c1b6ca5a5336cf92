// Turns a compiled pipeline into the Argo Workflow that the backend of Kubeflow Pipelines submits, and prints it as YAML.
//
// Built by argo_workflows.py inside a checkout of Kubeflow Pipelines. The backend's own command, backend/src/v2/cmd/compiler, leaves
// out the platform's part of the file: pull secrets, node selectors, tolerations, labels, timeouts.
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/kubeflow/pipelines/api/v2alpha1/go/pipelinespec"
	"github.com/kubeflow/pipelines/backend/src/apiserver/config/proxy"
	"github.com/kubeflow/pipelines/backend/src/v2/compiler/argocompiler"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"sigs.k8s.io/yaml"
)

func main() {
	proxy.InitializeConfigWithEmptyForTests()
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	pipeline, platform := &pipelinespec.PipelineSpec{}, &pipelinespec.PlatformSpec{}
	documents := bytes.SplitN(text, []byte("\n---\n"), 2)
	if err := read(documents[0], pipeline); err != nil {
		return err
	}
	if len(documents) == 2 {
		if err := read(documents[1], platform); err != nil {
			return err
		}
	}
	spec := &structpb.Struct{}
	asJSON, err := protojson.Marshal(pipeline)
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(asJSON, spec); err != nil {
		return err
	}
	job := &pipelinespec.PipelineJob{Name: pipeline.GetPipelineInfo().GetName(), PipelineSpec: spec, RuntimeConfig: &pipelinespec.PipelineJob_RuntimeConfig{}}
	workflow, err := argocompiler.Compile(job, platform.GetPlatforms()["kubernetes"], nil)
	if err != nil {
		return err
	}
	asYAML, err := yaml.Marshal(workflow)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(asYAML)
	return err
}

func read(document []byte, into proto.Message) error {
	asJSON, err := yaml.YAMLToJSON(document)
	if err != nil {
		return err
	}
	return protojson.Unmarshal(asJSON, into)
}
