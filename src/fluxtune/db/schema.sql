-- Revision 0020
-- Written by `python -m tools.schema` from the migrations.
BEGIN TRANSACTION;
CREATE TABLE adjustment (
	"key" VARCHAR(120) NOT NULL, 
	value JSON NOT NULL, 
	changed_at DATETIME NOT NULL, 
	changed_by VARCHAR(120) NOT NULL, 
	CONSTRAINT pk_adjustment PRIMARY KEY ("key")
);
CREATE TABLE adjustment_change (
	id INTEGER NOT NULL, 
	changes JSON NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	actor_id VARCHAR(64) NOT NULL, 
	actor_name VARCHAR(120) NOT NULL, 
	changed_at DATETIME NOT NULL, 
	undone_by INTEGER, 
	CONSTRAINT pk_adjustment_change PRIMARY KEY (id)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0020');
CREATE TABLE alert (
	id VARCHAR(32) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	target VARCHAR(64) NOT NULL, 
	title TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	raised_at DATETIME NOT NULL, 
	last_at DATETIME NOT NULL, 
	cleared_at DATETIME, 
	cleared_by VARCHAR(120), 
	mail_state VARCHAR(16) NOT NULL, 
	mail_attempts INTEGER NOT NULL, 
	mail_next_at DATETIME, 
	mail_error TEXT, 
	CONSTRAINT pk_alert PRIMARY KEY (id)
);
CREATE TABLE alert_cursor (
	id INTEGER NOT NULL, 
	event_id INTEGER NOT NULL, 
	CONSTRAINT pk_alert_cursor PRIMARY KEY (id)
);
CREATE TABLE "api_token" (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	ending VARCHAR(8) NOT NULL, 
	created_at DATETIME NOT NULL, 
	last_used_at DATETIME, 
	revoked_at DATETIME, 
	person_id VARCHAR(32), 
	scopes VARCHAR(120) DEFAULT 'v1' NOT NULL, 
	expires_at DATETIME, 
	CONSTRAINT fk_api_token_person_id_person FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT pk_api_token PRIMARY KEY (id)
);
CREATE TABLE audit_entry (
	number INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor_id VARCHAR(64) NOT NULL, 
	actor VARCHAR(120) NOT NULL, 
	action VARCHAR(64) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	target_id VARCHAR(200) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	"before" JSON, 
	"after" JSON, 
	hash VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit_entry PRIMARY KEY (number)
);
CREATE TABLE audit_head (
	id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit_head PRIMARY KEY (id)
);
CREATE TABLE backup (
	id VARCHAR(32) NOT NULL, 
	origin VARCHAR(16) NOT NULL, 
	slot VARCHAR(32), 
	state VARCHAR(16) NOT NULL, 
	job_id VARCHAR(32), 
	heartbeat_at DATETIME NOT NULL, 
	created_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	error JSON, 
	verified_at DATETIME, 
	damage JSON DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_backup PRIMARY KEY (id), 
	CONSTRAINT uq_backup_slot UNIQUE (slot)
);
CREATE TABLE caption_change (
	id VARCHAR(32) NOT NULL, 
	dataset_image_id VARCHAR(32) NOT NULL, 
	step_id VARCHAR(32), 
	at DATETIME NOT NULL, 
	"before" TEXT NOT NULL, 
	before_by VARCHAR(8) NOT NULL, 
	before_source VARCHAR(120), 
	"after" TEXT NOT NULL, 
	after_by VARCHAR(8) NOT NULL, 
	after_source VARCHAR(120), 
	CONSTRAINT fk_caption_change_dataset_image_id_dataset_image FOREIGN KEY(dataset_image_id) REFERENCES dataset_image (id) ON DELETE CASCADE, 
	CONSTRAINT fk_caption_change_step_id_caption_step FOREIGN KEY(step_id) REFERENCES caption_step (id) ON DELETE CASCADE, 
	CONSTRAINT pk_caption_change PRIMARY KEY (id)
);
CREATE TABLE caption_endpoint (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	url TEXT NOT NULL, 
	model VARCHAR(200) NOT NULL, 
	secret TEXT, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_caption_endpoint PRIMARY KEY (id), 
	CONSTRAINT uq_caption_endpoint_name UNIQUE (name)
);
CREATE TABLE caption_prompt (
	mode VARCHAR(16) NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_caption_prompt PRIMARY KEY (mode)
);
CREATE TABLE caption_step (
	id VARCHAR(32) NOT NULL, 
	dataset_id VARCHAR(32) NOT NULL, 
	job_id VARCHAR(32), 
	kind VARCHAR(16) NOT NULL, 
	title TEXT NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	changed_count INTEGER NOT NULL, 
	notes JSON NOT NULL, 
	turn INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT fk_caption_step_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT pk_caption_step PRIMARY KEY (id)
);
CREATE TABLE contract_task (
	id VARCHAR(32) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	endpoint VARCHAR(64) NOT NULL, 
	job_id VARCHAR(32) NOT NULL, 
	actor VARCHAR(60) NOT NULL, 
	request JSON NOT NULL, 
	details JSON NOT NULL, 
	origin TEXT NOT NULL, 
	webhook_url TEXT, 
	webhook_secret TEXT, 
	created_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	CONSTRAINT pk_contract_task PRIMARY KEY (id)
);
CREATE TABLE dataset (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	mode VARCHAR(16) NOT NULL, 
	trigger_word VARCHAR(60) NOT NULL, 
	notes TEXT NOT NULL, 
	sample VARCHAR(64), 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, check_limits JSON DEFAULT '{}' NOT NULL, source TEXT DEFAULT '' NOT NULL, licence VARCHAR(120) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_dataset PRIMARY KEY (id)
);
CREATE TABLE "dataset_image" (
	id VARCHAR(32) NOT NULL, 
	dataset_id VARCHAR(32) NOT NULL, 
	image_id VARCHAR(32) NOT NULL, 
	position INTEGER NOT NULL, 
	name VARCHAR(400) NOT NULL, 
	caption TEXT NOT NULL, 
	caption_by VARCHAR(8) NOT NULL, 
	created_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	caption_source VARCHAR(120), 
	tags TEXT DEFAULT ('') NOT NULL, 
	notes TEXT DEFAULT ('') NOT NULL, 
	source TEXT DEFAULT ('') NOT NULL, 
	licence VARCHAR(120) DEFAULT ('') NOT NULL, 
	repeats INTEGER DEFAULT '1' NOT NULL, 
	edits JSON, 
	original_id VARCHAR(32), 
	changed_at DATETIME NOT NULL, 
	CONSTRAINT fk_dataset_image_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id), 
	CONSTRAINT fk_dataset_image_image_id_image FOREIGN KEY(image_id) REFERENCES image (id), 
	CONSTRAINT fk_dataset_image_original_id_image FOREIGN KEY(original_id) REFERENCES image (id), 
	CONSTRAINT pk_dataset_image PRIMARY KEY (id)
);
CREATE TABLE deployment (
	model_id VARCHAR(32) NOT NULL, 
	version_id VARCHAR(32), 
	endpoint VARCHAR(64) NOT NULL, 
	finetune_id VARCHAR(200) NOT NULL, 
	key_name VARCHAR(60), 
	state VARCHAR(16) NOT NULL, 
	since DATETIME NOT NULL, 
	checked_at DATETIME, 
	told TEXT NOT NULL, 
	details JSON NOT NULL, 
	probe_id VARCHAR(32), 
	created_at DATETIME NOT NULL, 
	CONSTRAINT fk_deployment_model_id_model FOREIGN KEY(model_id) REFERENCES model (id), 
	CONSTRAINT pk_deployment PRIMARY KEY (model_id)
);
CREATE TABLE finetune (
	id VARCHAR(32) NOT NULL, 
	job_id VARCHAR(32) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	dataset_id VARCHAR(32) NOT NULL, 
	dataset_name VARCHAR(120) NOT NULL, 
	snapshot JSON NOT NULL, 
	snapshot_hash VARCHAR(64) NOT NULL, 
	image_count INTEGER NOT NULL, 
	base VARCHAR(64) NOT NULL, 
	mode VARCHAR(16) NOT NULL, 
	quality VARCHAR(16) NOT NULL, 
	trigger_word VARCHAR(60) NOT NULL, 
	recipe JSON NOT NULL, 
	device VARCHAR(64) NOT NULL, 
	seconds_per_step DOUBLE, 
	loss DOUBLE, 
	seconds DOUBLE, 
	steps_done INTEGER NOT NULL, 
	peak_memory_bytes INTEGER, 
	is_stopping BOOLEAN NOT NULL, 
	last_seq INTEGER NOT NULL, 
	model_id VARCHAR(32), 
	cover_image_id VARCHAR(32), 
	created_at DATETIME NOT NULL, 
	deleted_at DATETIME, memory_bytes INTEGER, device_load DOUBLE, parent_id VARCHAR(32), parent_step INTEGER, webhook_url TEXT, webhook_secret TEXT, server_id VARCHAR(32), server_name VARCHAR(60), remote_id VARCHAR(200), elsewhere_model_id VARCHAR(64), sent_at DATETIME, 
	CONSTRAINT fk_finetune_cover_image_id_image FOREIGN KEY(cover_image_id) REFERENCES image (id), 
	CONSTRAINT pk_finetune PRIMARY KEY (id)
);
CREATE TABLE finetune_checkpoint (
	finetune_id VARCHAR(32) NOT NULL, 
	step INTEGER NOT NULL, 
	folder VARCHAR(200) NOT NULL, 
	byte_count INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT fk_finetune_checkpoint_finetune_id_finetune FOREIGN KEY(finetune_id) REFERENCES finetune (id), 
	CONSTRAINT pk_finetune_checkpoint PRIMARY KEY (finetune_id, step)
);
CREATE TABLE finetune_healing (
	finetune_id VARCHAR(32) NOT NULL, 
	seq INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	trouble VARCHAR(40) NOT NULL, 
	message TEXT NOT NULL, 
	changes JSON NOT NULL, 
	goes_on_from INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT fk_finetune_healing_finetune_id_finetune FOREIGN KEY(finetune_id) REFERENCES finetune (id), 
	CONSTRAINT pk_finetune_healing PRIMARY KEY (finetune_id, seq)
);
CREATE TABLE finetune_image_loss (
	finetune_id VARCHAR(32) NOT NULL, 
	step INTEGER NOT NULL, 
	"index" INTEGER NOT NULL, 
	loss DOUBLE NOT NULL, 
	count INTEGER NOT NULL, 
	CONSTRAINT fk_finetune_image_loss_finetune_id_finetune FOREIGN KEY(finetune_id) REFERENCES finetune (id), 
	CONSTRAINT pk_finetune_image_loss PRIMARY KEY (finetune_id, step, "index")
);
CREATE TABLE finetune_log (
	finetune_id VARCHAR(32) NOT NULL, 
	seq INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	level VARCHAR(16) NOT NULL, 
	message TEXT NOT NULL, 
	CONSTRAINT fk_finetune_log_finetune_id_finetune FOREIGN KEY(finetune_id) REFERENCES finetune (id), 
	CONSTRAINT pk_finetune_log PRIMARY KEY (finetune_id, seq)
);
CREATE TABLE finetune_loss (
	finetune_id VARCHAR(32) NOT NULL, 
	step INTEGER NOT NULL, 
	loss DOUBLE NOT NULL, 
	smoothed DOUBLE NOT NULL, 
	learning_rate DOUBLE NOT NULL, 
	grad_norm DOUBLE NOT NULL, 
	seconds_per_step DOUBLE NOT NULL, memory_bytes INTEGER, device_load DOUBLE, 
	CONSTRAINT fk_finetune_loss_finetune_id_finetune FOREIGN KEY(finetune_id) REFERENCES finetune (id), 
	CONSTRAINT pk_finetune_loss PRIMARY KEY (finetune_id, step)
);
CREATE TABLE finetune_probe (
	id VARCHAR(32) NOT NULL, 
	job_id VARCHAR(32) NOT NULL, 
	snapshot JSON NOT NULL, 
	base VARCHAR(64) NOT NULL, 
	mode VARCHAR(16) NOT NULL, 
	trigger_word VARCHAR(60) NOT NULL, 
	recipe JSON NOT NULL, 
	load_key VARCHAR(64) NOT NULL, 
	result JSON, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_finetune_probe PRIMARY KEY (id)
);
CREATE TABLE finetune_sample (
	finetune_id VARCHAR(32) NOT NULL, 
	step INTEGER NOT NULL, 
	"row" INTEGER NOT NULL, 
	prompt TEXT NOT NULL, 
	image_id VARCHAR(32) NOT NULL, 
	CONSTRAINT fk_finetune_sample_finetune_id_finetune FOREIGN KEY(finetune_id) REFERENCES finetune (id), 
	CONSTRAINT fk_finetune_sample_image_id_image FOREIGN KEY(image_id) REFERENCES image (id), 
	CONSTRAINT pk_finetune_sample PRIMARY KEY (finetune_id, step, "row")
);
CREATE TABLE finetune_validation (
	finetune_id VARCHAR(32) NOT NULL, 
	step INTEGER NOT NULL, 
	loss DOUBLE NOT NULL, 
	base_loss DOUBLE, 
	by_sigma JSON NOT NULL, 
	measured_on VARCHAR(16) NOT NULL, 
	image_count INTEGER NOT NULL, 
	CONSTRAINT fk_finetune_validation_finetune_id_finetune FOREIGN KEY(finetune_id) REFERENCES finetune (id), 
	CONSTRAINT pk_finetune_validation PRIMARY KEY (finetune_id, step)
);
CREATE TABLE flag_setting (
	name VARCHAR(60) NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	roles JSON NOT NULL, 
	people JSON NOT NULL, 
	until DATETIME, 
	changed_at DATETIME NOT NULL, 
	changed_by VARCHAR(120) NOT NULL, 
	CONSTRAINT pk_flag_setting PRIMARY KEY (name)
);
CREATE TABLE gallery_image (
	image_id VARCHAR(32) NOT NULL, 
	model_id VARCHAR(64) NOT NULL, 
	generation_id VARCHAR(32) NOT NULL, 
	prompt_folded TEXT NOT NULL, 
	facts JSON NOT NULL, 
	is_favourite BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	CONSTRAINT fk_gallery_image_image_id_image FOREIGN KEY(image_id) REFERENCES image (id), 
	CONSTRAINT pk_gallery_image PRIMARY KEY (image_id)
);
CREATE TABLE generation (
	id VARCHAR(32) NOT NULL, 
	job_id VARCHAR(32) NOT NULL, 
	prompt TEXT NOT NULL, 
	model_id VARCHAR(64) NOT NULL, 
	model_name VARCHAR(120) NOT NULL, 
	version_id VARCHAR(32), 
	base VARCHAR(64) NOT NULL, 
	finetune_strength FLOAT NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	steps INTEGER NOT NULL, 
	guidance FLOAT NOT NULL, 
	seeds JSON NOT NULL, 
	created_at DATETIME NOT NULL, hosted JSON, 
	CONSTRAINT pk_generation PRIMARY KEY (id)
);
CREATE TABLE generation_image (
	generation_id VARCHAR(32) NOT NULL, 
	"index" INTEGER NOT NULL, 
	image_id VARCHAR(32) NOT NULL, 
	CONSTRAINT fk_generation_image_generation_id_generation FOREIGN KEY(generation_id) REFERENCES generation (id), 
	CONSTRAINT fk_generation_image_image_id_image FOREIGN KEY(image_id) REFERENCES image (id), 
	CONSTRAINT pk_generation_image PRIMARY KEY (generation_id, "index")
);
CREATE TABLE health_image (
	finetune_id VARCHAR(32) NOT NULL, 
	file VARCHAR(200) NOT NULL, 
	image_id VARCHAR(32) NOT NULL, 
	CONSTRAINT fk_health_image_finetune_id_finetune FOREIGN KEY(finetune_id) REFERENCES finetune (id), 
	CONSTRAINT fk_health_image_image_id_image FOREIGN KEY(image_id) REFERENCES image (id), 
	CONSTRAINT pk_health_image PRIMARY KEY (finetune_id, file)
);
CREATE TABLE health_report (
	finetune_id VARCHAR(32) NOT NULL, 
	job_id VARCHAR(32) NOT NULL, 
	report JSON, 
	measured_at DATETIME, 
	CONSTRAINT fk_health_report_finetune_id_finetune FOREIGN KEY(finetune_id) REFERENCES finetune (id), 
	CONSTRAINT pk_health_report PRIMARY KEY (finetune_id)
);
CREATE TABLE hosted_budget (
	id INTEGER NOT NULL, 
	per_request INTEGER, 
	per_day INTEGER, 
	per_month INTEGER, 
	CONSTRAINT pk_hosted_budget PRIMARY KEY (id)
);
CREATE TABLE hosted_key (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	secret TEXT NOT NULL, 
	region VARCHAR(16) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_hosted_key PRIMARY KEY (id), 
	CONSTRAINT uq_hosted_key_name UNIQUE (name)
);
CREATE TABLE hosted_ledger (
	id VARCHAR(32) NOT NULL, 
	target_id VARCHAR(32) NOT NULL, 
	slot INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	key_name VARCHAR(60) NOT NULL, 
	endpoint VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	estimate INTEGER NOT NULL, 
	cost INTEGER, 
	is_settled BOOLEAN NOT NULL, 
	input_mp FLOAT, 
	output_mp FLOAT, 
	task_id VARCHAR(200), 
	polling_url TEXT, 
	image_id VARCHAR(32), 
	error JSON, 
	created_at DATETIME NOT NULL, 
	sent_at DATETIME, 
	ended_at DATETIME, told_at DATETIME, 
	CONSTRAINT pk_hosted_ledger PRIMARY KEY (id), 
	CONSTRAINT uq_hosted_ledger_target_id_slot_attempt UNIQUE (target_id, slot, attempt)
);
CREATE TABLE image (
	id VARCHAR(32) NOT NULL, 
	origin VARCHAR(16) NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	byte_count INTEGER NOT NULL, 
	format VARCHAR(8) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	fingerprint VARCHAR(160) NOT NULL, 
	placeholder TEXT NOT NULL, 
	created_at DATETIME NOT NULL, measures JSON DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_image PRIMARY KEY (id)
);
CREATE TABLE invitation (
	token_hash VARCHAR(64) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT fk_invitation_person_id_person FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT pk_invitation PRIMARY KEY (token_hash)
);
CREATE TABLE job (
	id VARCHAR(32) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	title TEXT NOT NULL, 
	target_id VARCHAR(64) NOT NULL, 
	payload JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	phase VARCHAR(40) NOT NULL, 
	step INTEGER NOT NULL, 
	steps INTEGER NOT NULL, 
	eta_s DOUBLE, 
	request VARCHAR(16), 
	error JSON, 
	attempt INTEGER NOT NULL, 
	worker_id VARCHAR(64), 
	owner VARCHAR(200), 
	queued_at DATETIME NOT NULL, 
	heartbeat_at DATETIME, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, wishes JSON DEFAULT '[]' NOT NULL, turn INTEGER DEFAULT '0' NOT NULL, lane VARCHAR(16) DEFAULT 'device' NOT NULL, actor_id VARCHAR(64) DEFAULT 'local' NOT NULL, round INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_job PRIMARY KEY (id)
);
CREATE TABLE job_event (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	job_id VARCHAR(32) NOT NULL, 
	type VARCHAR(32) NOT NULL, 
	at DATETIME NOT NULL, 
	data JSON NOT NULL, 
	CONSTRAINT fk_job_event_job_id_job FOREIGN KEY(job_id) REFERENCES job (id)
);
CREATE TABLE leftover (
	path VARCHAR(300) NOT NULL, 
	place VARCHAR(8) NOT NULL, 
	sha256 VARCHAR(64), 
	since DATETIME NOT NULL, 
	CONSTRAINT pk_leftover PRIMARY KEY (path)
);
CREATE TABLE metric_cursor (
	id INTEGER NOT NULL, 
	event_id INTEGER NOT NULL, 
	sized_at DATETIME, 
	pruned_at DATETIME, 
	CONSTRAINT pk_metric_cursor PRIMARY KEY (id)
);
CREATE TABLE metric_point (
	grain INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	name VARCHAR(32) NOT NULL, 
	label VARCHAR(64) NOT NULL, 
	count INTEGER NOT NULL, 
	total FLOAT NOT NULL, 
	most FLOAT NOT NULL, 
	last FLOAT NOT NULL, 
	buckets JSON NOT NULL, 
	CONSTRAINT pk_metric_point PRIMARY KEY (grain, at, name, label)
);
CREATE TABLE metric_total (
	name VARCHAR(32) NOT NULL, 
	label VARCHAR(64) NOT NULL, 
	count INTEGER NOT NULL, 
	total FLOAT NOT NULL, 
	most FLOAT NOT NULL, 
	last FLOAT NOT NULL, 
	buckets JSON NOT NULL, 
	CONSTRAINT pk_metric_total PRIMARY KEY (name, label)
);
CREATE TABLE model (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	base VARCHAR(64) NOT NULL, 
	mode VARCHAR(16) NOT NULL, 
	trigger_word VARCHAR(60) NOT NULL, 
	notes TEXT NOT NULL, 
	description TEXT NOT NULL, 
	prompts JSON NOT NULL, 
	cover_image_id VARCHAR(32), 
	finetune_id VARCHAR(32), 
	dataset_id VARCHAR(32), 
	created_at DATETIME NOT NULL, 
	deleted_at DATETIME, default_version_id VARCHAR(32), tags JSON DEFAULT '[]' NOT NULL, least_strength DOUBLE DEFAULT '0' NOT NULL, most_strength DOUBLE DEFAULT '1.5' NOT NULL, data_rights VARCHAR(16) DEFAULT 'unknown' NOT NULL, data_licence TEXT DEFAULT '' NOT NULL, provenance JSON, searched TEXT DEFAULT '' NOT NULL, training JSON, 
	CONSTRAINT fk_model_cover_image_id_image FOREIGN KEY(cover_image_id) REFERENCES image (id), 
	CONSTRAINT pk_model PRIMARY KEY (id)
);
CREATE TABLE model_version (
	id VARCHAR(32) NOT NULL, 
	model_id VARCHAR(32) NOT NULL, 
	step INTEGER NOT NULL, 
	label VARCHAR(120) NOT NULL, 
	byte_count INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT fk_model_version_model_id_model FOREIGN KEY(model_id) REFERENCES model (id), 
	CONSTRAINT pk_model_version PRIMARY KEY (id)
);
CREATE TABLE ownership (
	kind VARCHAR(16) NOT NULL, 
	thing_id VARCHAR(64) NOT NULL, 
	owner_id VARCHAR(32) NOT NULL, 
	everyone VARCHAR(8) DEFAULT '' NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_ownership PRIMARY KEY (kind, thing_id)
);
CREATE TABLE parity (
	id VARCHAR(32) NOT NULL, 
	model_id VARCHAR(32) NOT NULL, 
	endpoint VARCHAR(64) NOT NULL, 
	finetune_id VARCHAR(200) NOT NULL, 
	strength DOUBLE NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	parts JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT fk_parity_model_id_model FOREIGN KEY(model_id) REFERENCES model (id), 
	CONSTRAINT pk_parity PRIMARY KEY (id)
);
CREATE TABLE person (
	id VARCHAR(32) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	password_hash VARCHAR(255), 
	state VARCHAR(16) NOT NULL, 
	created_at DATETIME NOT NULL, 
	last_seen_at DATETIME, 
	CONSTRAINT pk_person PRIMARY KEY (id)
);
CREATE TABLE quota (
	person_id VARCHAR(32) NOT NULL, 
	limits JSON NOT NULL, 
	changed_at DATETIME NOT NULL, 
	CONSTRAINT pk_quota PRIMARY KEY (person_id)
);
CREATE TABLE recipe_template (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	name_folded VARCHAR(240) NOT NULL, 
	notes TEXT NOT NULL, 
	base VARCHAR(64), 
	mode VARCHAR(16), 
	quality VARCHAR(16), 
	recipe JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_recipe_template PRIMARY KEY (id), 
	CONSTRAINT uq_recipe_template_name_folded UNIQUE (name_folded)
);
CREATE TABLE server (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	url TEXT NOT NULL, 
	secret TEXT NOT NULL, 
	facts JSON NOT NULL, 
	problem JSON, 
	checked_at DATETIME NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_server PRIMARY KEY (id), 
	CONSTRAINT uq_server_name UNIQUE (name)
);
CREATE TABLE server_model (
	id VARCHAR(32) NOT NULL, 
	server_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	remote_id VARCHAR(200) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	base VARCHAR(64) NOT NULL, 
	trigger_word VARCHAR(60) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT fk_server_model_server_id_server FOREIGN KEY(server_id) REFERENCES server (id), 
	CONSTRAINT pk_server_model PRIMARY KEY (id), 
	CONSTRAINT uq_server_model_server_id_kind_remote_id UNIQUE (server_id, kind, remote_id)
);
CREATE TABLE share (
	kind VARCHAR(16) NOT NULL, 
	thing_id VARCHAR(64) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	may VARCHAR(8) NOT NULL, 
	CONSTRAINT pk_share PRIMARY KEY (kind, thing_id, person_id)
);
CREATE TABLE "sign_in_link" (
	token_hash VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	used_at DATETIME, 
	person_id VARCHAR(32), 
	CONSTRAINT fk_sign_in_link_person_id_person FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT pk_sign_in_link PRIMARY KEY (token_hash)
);
CREATE TABLE usage (
	person_id VARCHAR(32) NOT NULL, 
	what VARCHAR(16) NOT NULL, 
	period VARCHAR(10) NOT NULL, 
	amount INTEGER NOT NULL, 
	CONSTRAINT pk_usage PRIMARY KEY (person_id, what, period)
);
CREATE TABLE "user_session" (
	token_hash VARCHAR(64) NOT NULL, 
	actor VARCHAR(120) NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32), 
	device VARCHAR(200) DEFAULT ('') NOT NULL, 
	address VARCHAR(64) DEFAULT ('') NOT NULL, 
	last_seen_at DATETIME, 
	CONSTRAINT fk_user_session_person_id_person FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT pk_user_session PRIMARY KEY (token_hash)
);
CREATE TABLE webhook_delivery (
	id VARCHAR(32) NOT NULL, 
	target_id VARCHAR(32) NOT NULL, 
	type VARCHAR(40) NOT NULL, 
	url TEXT NOT NULL, 
	secret TEXT, 
	data JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	last_status INTEGER, 
	last_error TEXT, 
	created_at DATETIME NOT NULL, 
	next_at DATETIME NOT NULL, 
	gives_up_at DATETIME NOT NULL, 
	delivered_at DATETIME, 
	CONSTRAINT pk_webhook_delivery PRIMARY KEY (id)
);
CREATE TABLE worker (
	id VARCHAR(64) NOT NULL, 
	owner VARCHAR(200) NOT NULL, 
	started_at DATETIME NOT NULL, 
	heartbeat_at DATETIME NOT NULL, 
	CONSTRAINT pk_worker PRIMARY KEY (id)
);
CREATE INDEX ix_generation_job_id ON generation (job_id);
CREATE INDEX ix_generation_model_id ON generation (model_id);
CREATE INDEX ix_image_sha256 ON image (sha256);
CREATE INDEX ix_job_state ON job (state);
CREATE INDEX ix_job_target_id ON job (target_id);
CREATE INDEX ix_finetune_dataset_id ON finetune (dataset_id);
CREATE INDEX ix_finetune_job_id ON finetune (job_id);
CREATE INDEX ix_gallery_image_generation_id ON gallery_image (generation_id);
CREATE INDEX ix_gallery_image_model_id ON gallery_image (model_id);
CREATE INDEX ix_gallery_image_newest ON gallery_image (deleted_at, image_id);
CREATE INDEX ix_job_event_job ON job_event (job_id, id);
CREATE INDEX ix_model_finetune_id ON model (finetune_id);
CREATE INDEX ix_model_version_model_id ON model_version (model_id);
CREATE INDEX ix_finetune_probe_base ON finetune_probe (base);
CREATE INDEX ix_finetune_probe_job_id ON finetune_probe (job_id);
CREATE INDEX ix_finetune_probe_load_key ON finetune_probe (load_key);
CREATE INDEX ix_webhook_delivery_state ON webhook_delivery (state);
CREATE INDEX ix_webhook_delivery_target_id ON webhook_delivery (target_id);
CREATE INDEX ix_finetune_parent_id ON finetune (parent_id);
CREATE INDEX ix_job_turn ON job (turn);
CREATE INDEX ix_health_report_job_id ON health_report (job_id);
CREATE INDEX ix_leftover_sha256 ON leftover (sha256);
CREATE INDEX ix_contract_task_ended_at ON contract_task (ended_at);
CREATE INDEX ix_hosted_ledger_state ON hosted_ledger (state);
CREATE INDEX ix_hosted_ledger_created_at ON hosted_ledger (created_at);
CREATE INDEX ix_hosted_ledger_newest ON hosted_ledger (id, state);
CREATE INDEX ix_server_model_server_id ON server_model (server_id);
CREATE INDEX ix_model_newest ON model (deleted_at, id);
CREATE INDEX ix_model_facets ON model (deleted_at, base, mode);
CREATE INDEX ix_deployment_finetune_id ON deployment (finetune_id);
CREATE INDEX ix_parity_model_id ON parity (model_id);
CREATE INDEX ix_caption_step_dataset_id ON caption_step (dataset_id);
CREATE INDEX ix_caption_step_job_id ON caption_step (job_id);
CREATE INDEX ix_caption_change_dataset_image_id ON caption_change (dataset_image_id);
CREATE INDEX ix_caption_change_step_id ON caption_change (step_id);
CREATE INDEX ix_dataset_image_order ON dataset_image (dataset_id, position);
CREATE INDEX ix_dataset_image_changed ON dataset_image (dataset_id, changed_at);
CREATE UNIQUE INDEX ix_person_email ON person (email);
CREATE INDEX ix_invitation_person_id ON invitation (person_id);
CREATE INDEX ix_user_session_person_id ON user_session (person_id);
CREATE UNIQUE INDEX ix_user_session_id ON user_session (id);
CREATE UNIQUE INDEX ix_api_token_token_hash ON api_token (token_hash);
CREATE INDEX ix_api_token_person_id ON api_token (person_id);
CREATE INDEX ix_ownership_owner ON ownership (owner_id, kind, thing_id);
CREATE INDEX ix_share_person ON share (person_id, kind, thing_id);
CREATE INDEX ix_dataset_image_image_id ON dataset_image (image_id);
CREATE INDEX ix_dataset_image_original_id ON dataset_image (original_id);
CREATE INDEX ix_generation_image_image_id ON generation_image (image_id);
CREATE INDEX ix_finetune_sample_image_id ON finetune_sample (image_id);
CREATE INDEX ix_finetune_cover_image_id ON finetune (cover_image_id);
CREATE INDEX ix_model_cover_image_id ON model (cover_image_id);
CREATE INDEX ix_health_image_image_id ON health_image (image_id);
CREATE INDEX ix_audit_entry_at ON audit_entry (at);
CREATE INDEX ix_audit_entry_actor_id ON audit_entry (actor_id);
CREATE INDEX ix_audit_entry_action ON audit_entry (action);
CREATE INDEX ix_audit_entry_target_id ON audit_entry (target_id);
CREATE TRIGGER audit_entry_keep_update BEFORE UPDATE ON audit_entry BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END;
CREATE TRIGGER audit_entry_keep_delete BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END;
CREATE INDEX ix_alert_open ON alert (kind, target, cleared_at);
CREATE INDEX ix_alert_mail_state ON alert (mail_state);
CREATE INDEX ix_backup_created_at ON backup (created_at);
DELETE FROM "sqlite_sequence";
COMMIT;
