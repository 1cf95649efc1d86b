/* ask_fields.c -- the messages of generateContent.
 * SPDX-License-Identifier: MIT
 *
 * What only Vertex has is not there: the service refuses it, and so a client had better find out.
 */
#include "generate/ask_fields.h"

#define CHOICES(name, ...) { PLX_TYPE_NAME(name), (const char *const[]){ __VA_ARGS__, NULL } }
#define CHOICES_IN_ANY_CASE(name, ...) { PLX_TYPE_NAME(name), (const char *const[]){ __VA_ARGS__, NULL }, true }

#define ONE(field, type_of) { field, &type_of, PLX_MESSAGE }
#define MANY(field, type_of) { field, &type_of, PLX_MESSAGE, .is_list = true }
#define MAP(field, type_of) { field, &type_of, PLX_MAP }
#define TEXT(field) { field, NULL, PLX_STRING }
#define TEXTS(field) { field, NULL, PLX_STRING, .is_list = true }
#define BYTES(field) { field, NULL, PLX_BYTES }
#define FLAG(field) { field, NULL, PLX_BOOL }
#define INT32(field) { field, NULL, PLX_INT32 }
#define INT64(field) { field, NULL, PLX_INT64 }
#define FLOAT(field) { field, NULL, PLX_FLOAT }
#define DOUBLE(field) { field, NULL, PLX_DOUBLE }
#define STRUCT(field) { field, NULL, PLX_STRUCT }
#define ANY(field) { field, NULL, PLX_ANY }
#define CHOICE(field, of) { field, NULL, PLX_ENUM, .choices = &of }
#define CHOICE_LIST(field, of) { field, NULL, PLX_ENUM, .is_list = true, .choices = &of }

static const plx_message_type empty_type = { PLX_TYPE_NAME("Empty"), NULL, 0 };

/* ---- contents ---- */

static const plx_choices languages = CHOICES("ExecutableCode.Language", "LANGUAGE_UNSPECIFIED", "PYTHON");
static const plx_choices outcomes = CHOICES("CodeExecutionResult.Outcome", "OUTCOME_UNSPECIFIED", "OUTCOME_OK",
                                            "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED");
static const plx_choices schedulings = CHOICES("FunctionResponse.Scheduling", "SCHEDULING_UNSPECIFIED", "SILENT",
                                               "WHEN_IDLE", "INTERRUPT");
static const plx_choices resolutions = CHOICES("MediaResolution", "MEDIA_RESOLUTION_UNSPECIFIED",
                                               "MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_MEDIUM",
                                               "MEDIA_RESOLUTION_HIGH", "MEDIA_RESOLUTION_ULTRA_HIGH");

static const plx_field blob_fields[] = { TEXT("mimeType"), BYTES("data") };
static const plx_message_type blob_type = PLX_TYPE("Blob", blob_fields);

static const plx_field file_data_fields[] = { TEXT("mimeType"), TEXT("fileUri") };
static const plx_message_type file_data_type = PLX_TYPE("FileData", file_data_fields);

static const plx_field call_fields[] = { TEXT("id"), TEXT("name"), STRUCT("args") };
static const plx_message_type call_type = PLX_TYPE("FunctionCall", call_fields);

static const plx_field response_part_fields[] = { ONE("inlineData", blob_type), ONE("fileData", file_data_type) };
static const plx_message_type response_part_type = PLX_TYPE("FunctionResponsePart", response_part_fields);

static const plx_field response_fields[] = {
    TEXT("id"), TEXT("name"), STRUCT("response"), MANY("parts", response_part_type), FLAG("willContinue"),
    CHOICE("scheduling", schedulings),
};
static const plx_message_type response_type = PLX_TYPE("FunctionResponse", response_fields);

static const plx_field code_fields[] = { TEXT("id"), CHOICE("language", languages), TEXT("code") };
static const plx_message_type code_type = PLX_TYPE("ExecutableCode", code_fields);

static const plx_field output_fields[] = { TEXT("id"), CHOICE("outcome", outcomes), TEXT("output") };
static const plx_message_type output_type = PLX_TYPE("CodeExecutionResult", output_fields);

static const plx_field video_fields[] = { TEXT("startOffset"), TEXT("endOffset"), DOUBLE("fps") };
static const plx_message_type video_type = PLX_TYPE("VideoMetadata", video_fields);

static const plx_field part_resolution_fields[] = { CHOICE("level", resolutions), INT32("numTokens") };
static const plx_message_type part_resolution_type = PLX_TYPE("PartMediaResolution", part_resolution_fields);

#define DATA(field, type_of) { field, &type_of, PLX_MESSAGE, .one_of = "data" }
static const plx_field part_fields[] = {
    { "text", NULL, PLX_STRING, .one_of = "data" }, DATA("inlineData", blob_type), DATA("fileData", file_data_type),
    DATA("functionCall", call_type), DATA("functionResponse", response_type), DATA("executableCode", code_type),
    DATA("codeExecutionResult", output_type), { "toolCall", NULL, PLX_STRUCT, .one_of = "data" },
    { "toolResponse", NULL, PLX_STRUCT, .one_of = "data" },
    { "audioTranscription", NULL, PLX_STRUCT, .one_of = "data" },
    FLAG("thought"), BYTES("thoughtSignature"), ONE("videoMetadata", video_type),
    ONE("mediaResolution", part_resolution_type), STRUCT("partMetadata"),
};
static const plx_message_type part_type = PLX_TYPE("Part", part_fields);

static const plx_field content_fields[] = { TEXT("role"), MANY("parts", part_type) };
const plx_message_type plx_content_type = PLX_TYPE("Content", content_fields);

/* ---- schemas ---- */

static const plx_choices types = CHOICES_IN_ANY_CASE("Type", "TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER",
                                                     "BOOLEAN", "ARRAY", "OBJECT", "NULL");

static const plx_field schema_fields[] = {
    CHOICE("type", types), TEXT("format"), TEXT("title"), TEXT("description"), FLAG("nullable"), ANY("default"),
    TEXTS("enum"), ONE("items", plx_schema_message_type), INT64("minItems"), INT64("maxItems"),
    MAP("properties", plx_schema_message_type), TEXTS("required"), TEXTS("propertyOrdering"), INT64("minProperties"),
    INT64("maxProperties"), DOUBLE("minimum"), DOUBLE("maximum"), INT64("minLength"), INT64("maxLength"),
    TEXT("pattern"), ANY("example"), MANY("anyOf", plx_schema_message_type),
};
const plx_message_type plx_schema_message_type = PLX_TYPE("Schema", schema_fields);

/* ---- tools ---- */

static const plx_choices behaviors = CHOICES("FunctionDeclaration.Behavior", "UNSPECIFIED", "BLOCKING", "NON_BLOCKING");
static const plx_choices retrieval_modes = CHOICES("DynamicRetrievalConfig.Mode", "MODE_UNSPECIFIED", "MODE_DYNAMIC");
static const plx_choices environments = CHOICES("ComputerUse.Environment", "ENVIRONMENT_UNSPECIFIED",
                                                "ENVIRONMENT_BROWSER", "ENVIRONMENT_MOBILE", "ENVIRONMENT_DESKTOP");
const plx_choices plx_call_modes = CHOICES("FunctionCallingConfig.Mode", "MODE_UNSPECIFIED", "AUTO", "ANY", "NONE",
                                           "VALIDATED");

static const plx_field function_fields[] = {
    TEXT("name"), TEXT("description"), ONE("parameters", plx_schema_message_type), ANY("parametersJsonSchema"),
    ONE("response", plx_schema_message_type), ANY("responseJsonSchema"), CHOICE("behavior", behaviors),
};
static const plx_message_type function_type = PLX_TYPE("FunctionDeclaration", function_fields);

static const plx_field interval_fields[] = { TEXT("startTime"), TEXT("endTime") };
static const plx_message_type interval_type = { "type.googleapis.com/google.type.Interval", interval_fields, 2 };

static const plx_field search_types_fields[] = { ONE("webSearch", empty_type), ONE("imageSearch", empty_type) };
static const plx_message_type search_types_type = PLX_TYPE("GoogleSearch.SearchTypes", search_types_fields);

static const plx_field search_fields[] = {
    ONE("timeRangeFilter", interval_type), ONE("searchTypes", search_types_type),
};
static const plx_message_type search_type = PLX_TYPE("GoogleSearch", search_fields);

static const plx_field dynamic_fields[] = { CHOICE("mode", retrieval_modes), FLOAT("dynamicThreshold") };
static const plx_message_type dynamic_type = PLX_TYPE("DynamicRetrievalConfig", dynamic_fields);
static const plx_field retrieval_fields[] = { ONE("dynamicRetrievalConfig", dynamic_type) };
static const plx_message_type retrieval_type = PLX_TYPE("GoogleSearchRetrieval", retrieval_fields);

static const plx_field grounding_fields[] = { ONE("places", empty_type), ONE("routing", empty_type) };
static const plx_message_type grounding_type = PLX_TYPE("GoogleMaps.GroundingTypes", grounding_fields);
static const plx_field maps_fields[] = { FLAG("enableWidget"), ONE("groundingTypes", grounding_type) };
static const plx_message_type maps_type = PLX_TYPE("GoogleMaps", maps_fields);

static const plx_field file_search_fields[] = { TEXTS("fileSearchStoreNames"), INT32("topK"), TEXT("metadataFilter") };
static const plx_message_type file_search_type = PLX_TYPE("FileSearch", file_search_fields);

static const plx_field computer_fields[] = {
    CHOICE("environment", environments), TEXTS("excludedPredefinedFunctions"), FLAG("enablePromptInjectionDetection"),
    TEXTS("disabledSafetyPolicies"),
};
static const plx_message_type computer_type = PLX_TYPE("ComputerUse", computer_fields);

static const plx_field transport_fields[] = {
    TEXT("url"), STRUCT("headers"), TEXT("timeout"), TEXT("sseReadTimeout"), FLAG("terminateOnClose"),
};
static const plx_message_type transport_type = PLX_TYPE("StreamableHttpTransport", transport_fields);
static const plx_field server_fields[] = { TEXT("name"), ONE("streamableHttpTransport", transport_type) };
static const plx_message_type server_type = PLX_TYPE("McpServer", server_fields);

static const plx_field tool_fields[] = {
    MANY("functionDeclarations", function_type), ONE("googleSearch", search_type),
    ONE("googleSearchRetrieval", retrieval_type), ONE("codeExecution", empty_type), ONE("urlContext", empty_type),
    ONE("googleMaps", maps_type), ONE("fileSearch", file_search_type), ONE("computerUse", computer_type),
    MANY("mcpServers", server_type),
};
const plx_message_type plx_tool_type = PLX_TYPE("Tool", tool_fields);

static const plx_field calling_fields[] = { CHOICE("mode", plx_call_modes), TEXTS("allowedFunctionNames") };
static const plx_message_type calling_type = PLX_TYPE("FunctionCallingConfig", calling_fields);

static const plx_field lat_lng_fields[] = { DOUBLE("latitude"), DOUBLE("longitude") };
static const plx_message_type lat_lng_type = { "type.googleapis.com/google.type.LatLng", lat_lng_fields, 2 };
static const plx_field place_fields[] = { ONE("latLng", lat_lng_type), TEXT("languageCode") };
static const plx_message_type place_type = PLX_TYPE("RetrievalConfig", place_fields);

static const plx_field tool_config_fields[] = {
    ONE("functionCallingConfig", calling_type), ONE("retrievalConfig", place_type),
    FLAG("includeServerSideToolInvocations"),
};
const plx_message_type plx_tool_config_type = PLX_TYPE("ToolConfig", tool_config_fields);

/* ---- settings ---- */

const plx_choices plx_harm_categories = CHOICES(
    "HarmCategory", "HARM_CATEGORY_UNSPECIFIED", "HARM_CATEGORY_DEROGATORY", "HARM_CATEGORY_TOXICITY",
    "HARM_CATEGORY_VIOLENCE", "HARM_CATEGORY_SEXUAL", "HARM_CATEGORY_MEDICAL", "HARM_CATEGORY_DANGEROUS",
    "HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_HATE_SPEECH", "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT", "HARM_CATEGORY_CIVIC_INTEGRITY");
static const plx_choices thresholds = CHOICES("SafetySetting.HarmBlockThreshold", "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
                                              "BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH",
                                              "BLOCK_NONE", "OFF");
static const plx_field safety_fields[] = { CHOICE("category", plx_harm_categories), CHOICE("threshold", thresholds) };
const plx_message_type plx_safety_setting_type = PLX_TYPE("SafetySetting", safety_fields);

/* The numbers of the levels are not known; nobody sends them. */
const plx_choices plx_thinking_levels = CHOICES_IN_ANY_CASE("ThinkingConfig.ThinkingLevel",
                                                            "THINKING_LEVEL_UNSPECIFIED", "LOW", "HIGH", "MEDIUM",
                                                            "MINIMAL");
const plx_choices plx_made_modalities = CHOICES_IN_ANY_CASE("GenerationConfig.Modality", "MODALITY_UNSPECIFIED", "TEXT",
                                                            "IMAGE", "AUDIO", "VIDEO");
const plx_choices plx_service_tiers = CHOICES_IN_ANY_CASE("ServiceTier", "unspecified", "standard", "flex", "priority");

static const plx_field thinking_fields[] = {
    FLAG("includeThoughts"), INT32("thinkingBudget"), CHOICE("thinkingLevel", plx_thinking_levels),
};
const plx_message_type plx_thinking_config_type = PLX_TYPE("ThinkingConfig", thinking_fields);

static const plx_field built_in_voice_fields[] = { TEXT("voiceName") };
static const plx_message_type built_in_voice_type = PLX_TYPE("PrebuiltVoiceConfig", built_in_voice_fields);
static const plx_field voice_fields[] = {
    ONE("prebuiltVoiceConfig", built_in_voice_type), STRUCT("replicatedVoiceConfig")
};
static const plx_message_type voice_type = PLX_TYPE("VoiceConfig", voice_fields);
static const plx_field speaker_fields[] = { TEXT("speaker"), ONE("voiceConfig", voice_type) };
static const plx_message_type speaker_type = PLX_TYPE("SpeakerVoiceConfig", speaker_fields);
static const plx_field speakers_fields[] = { MANY("speakerVoiceConfigs", speaker_type) };
static const plx_message_type speakers_type = PLX_TYPE("MultiSpeakerVoiceConfig", speakers_fields);
static const plx_field speech_fields[] = {
    ONE("voiceConfig", voice_type), ONE("multiSpeakerVoiceConfig", speakers_type), TEXT("languageCode"),
};
static const plx_message_type speech_type = PLX_TYPE("SpeechConfig", speech_fields);

static const plx_field image_fields[] = { TEXT("aspectRatio"), TEXT("imageSize") };
static const plx_message_type image_type = PLX_TYPE("ImageConfig", image_fields);

static const plx_field text_format_fields[] = { TEXT("mimeType"), ANY("schema") };
static const plx_message_type text_format_type = PLX_TYPE("TextResponseFormat", text_format_fields);
static const plx_field format_fields[] = {
    ONE("text", text_format_type), STRUCT("image"), STRUCT("audio"), STRUCT("video"),
};
static const plx_message_type format_type = PLX_TYPE("ResponseFormat", format_fields);

static const plx_field generation_fields[] = {
    INT32("candidateCount"), TEXTS("stopSequences"), INT32("maxOutputTokens"), FLOAT("temperature"), FLOAT("topP"),
    INT32("topK"), FLOAT("presencePenalty"), FLOAT("frequencyPenalty"), INT32("seed"), FLAG("responseLogprobs"),
    INT32("logprobs"), TEXT("responseMimeType"), ONE("responseSchema", plx_schema_message_type),
    ANY("responseJsonSchema"), ANY("_responseJsonSchema"), MANY("responseFormat", format_type),
    CHOICE_LIST("responseModalities", plx_made_modalities), CHOICE("mediaResolution", resolutions),
    ONE("speechConfig", speech_type), ONE("thinkingConfig", plx_thinking_config_type), ONE("imageConfig", image_type),
    FLAG("enableEnhancedCivicAnswers"), STRUCT("audioTranscriptionConfig"), BYTES("continuationToken"),
};
const plx_message_type plx_generation_config_type = PLX_TYPE("GenerationConfig", generation_fields);

static const plx_field request_fields[] = {
    MANY("contents", plx_content_type), ONE("systemInstruction", plx_content_type), MANY("tools", plx_tool_type),
    ONE("toolConfig", plx_tool_config_type), MANY("safetySettings", plx_safety_setting_type),
    ONE("generationConfig", plx_generation_config_type), TEXT("cachedContent"),
    CHOICE("serviceTier", plx_service_tiers),
    TEXT("model"), FLAG("store"), BYTES("continuationToken"),
};
const plx_message_type plx_generate_request_type = PLX_TYPE("GenerateContentRequest", request_fields);
