/**
 * Tests of what installs Postern: the Helm chart, the compose file, the Dockerfile. The chart is linted and rendered by
 * Helm itself, inside the test's process and without a cluster, and each document is read into the Kubernetes model with
 * unknown fields refused. Everything runs on the test's thread; a chart that does not render fails the test with Helm's
 * own message.
 */
@NullMarked
package dev.postern.charts;

import org.jspecify.annotations.NullMarked;
